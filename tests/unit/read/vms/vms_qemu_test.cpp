// SPDX-License-Identifier: Apache-2.0
#include "irqtune/read/vms/sources.h"

#include "support/catch.h"

#include <algorithm>
#include <array>

namespace irqtune::test {

namespace {

/// A command line whose words stand behind blanks.
VmmCommand parse(std::string text, std::string_view comm = {}) {
  std::ranges::replace(text, ' ', '\0');
  return parse_vmm_command(text, comm);
}

struct Recorded {
  const char* words;
  int vcpus;
};

struct RecordedName {
  const char* words;
  const char* name;
};

}  // namespace

TEST_CASE("As many vCPUs as QEMU itself starts", "[vms]") {
  // Recorded with QEMU 7.2.22: -machine q35 -accel tcg -S, query-cpus-fast.
  constexpr std::array kRecorded = {Recorded{"-m 16", 1},
                                    Recorded{"-smp 4", 4},
                                    Recorded{"-smp 4 -smp 2", 2},
                                    Recorded{"-smp 2,maxcpus=8", 2},
                                    Recorded{"-smp maxcpus=8", 8},
                                    Recorded{"-smp sockets=2,cores=2,threads=2", 8},
                                    Recorded{"-smp cores=3", 3},
                                    Recorded{"-smp 4 -smp maxcpus=8", 4},
                                    Recorded{"-smp cpus=0x4", 4},
                                    Recorded{"-smp +4", 4},
                                    Recorded{"-smp 04", 4},
                                    Recorded{"-smp 010", 8},
                                    Recorded{"-smp 2 -machine smp.cpus=4", 4},
                                    Recorded{"-machine smp.cpus=4 -smp 2", 2},
                                    Recorded{"-machine q35,smp.cpus=3", 3},
                                    Recorded{"-smp sockets=2 -smp cores=3", 6},
                                    Recorded{"-smp dies=2,cores=2", 4},
                                    Recorded{"-smp cpus=4,cpus=2", 2},
                                    Recorded{"-smp 2,sockets=1,cores=4,maxcpus=4", 2},
                                    Recorded{"-smp 3 -smp cpus=1", 1},
                                    Recorded{"-smp 1,maxcpus=4 -smp 2", 2}};
  for (const auto& [words, vcpus] : kRecorded) {
    INFO(words);
    CHECK(parse(std::string("qemu-system-x86_64 ") + words).vcpus == vcpus);
  }
  // Later versions' levels. Source: QEMU 10.0 qemu-options.hx, -smp.
  CHECK(parse("qemu-system-x86_64 -smp modules=2,cores=3").vcpus == 6);
  CHECK(parse("qemu-system-s390x -smp drawers=2,books=2,sockets=2").vcpus == 8);
  // A file may say it.
  CHECK_FALSE(parse("qemu-system-x86_64 -readconfig /run/vm.conf").vcpus);
  CHECK(parse("qemu-system-x86_64 -readconfig /run/vm.conf -smp 2").vcpus == 2);
}

TEST_CASE("A VM is called as QEMU calls it", "[vms]") {
  // Recorded with QEMU 7.2.22: query-name.
  constexpr std::array kRecorded = {RecordedName{"-name a", "a"},
                                    RecordedName{"-name guest=web -name debug-threads=on", "web"},
                                    RecordedName{"-name web,process=x", "web"},
                                    RecordedName{"-name a -name b", "b"},
                                    RecordedName{"-name a,guest=c", "c"},
                                    RecordedName{"-name guest=a,guest=b", "b"}};
  for (const auto& [words, name] : kRecorded) {
    INFO(words);
    CHECK(parse(std::string("qemu-system-x86_64 ") + words).name == name);
  }
}

TEST_CASE("Of several machines the last counts, and none is only asked", "[vms]") {
  // Recorded with QEMU 7.2.22: without vCPUs.
  CHECK_FALSE(parse("qemu-system-x86_64 -machine none -machine q35").probe);
  CHECK(parse("qemu-system-x86_64 -machine q35 -machine none").probe);
  CHECK(parse("qemu-system-x86_64 -machine type=none").probe);
  CHECK(parse("qemu-system-x86_64 -M q35,type=none").probe);
  CHECK(parse("qemu-system-x86_64 -machine none,accel=tcg -machine accel=kvm").probe);
  CHECK_FALSE(parse("qemu-system-x86_64 -machine q35 -machine accel=kvm").probe);
}

TEST_CASE("Whatever argv[0] says, QEMU's options are read where comm is QEMU's", "[vms]") {
  const auto command =
      parse("microvm@web -name web -smp 2 -device vfio-pci,host=0000:22:00.0", "qemu-system-x86");
  CHECK(command.qemu);
  CHECK(command.name == "web");
  CHECK(command.devices == std::vector{PciAddress{0, 0x22, 0, 0}});
  CHECK_FALSE(parse("microvm@web -name web").qemu);
}

TEST_CASE("Devices of every option that takes one", "[vms]") {
  const auto devices = [](const std::string& words) {
    std::string text;
    for (const auto& device : parse("qemu-system-x86_64 " + words).devices) {
      text += (text.empty() ? "" : " ") + device.to_string();
    }
    return text;
  };
  CHECK(devices("-device vfio-pci,host=01:00.0,host=02:00.0") == "0000:02:00.0");
  CHECK(devices("-device vfio-pci,id=h0,host=01:00.0 -set device.h0.host=03:00.0") ==
        "0000:03:00.0");
  CHECK(devices("-set device.h0.host=03:00.0 -device vfio-pci,id=h0") == "0000:03:00.0");
  CHECK(devices("-device vfio-pci,id=h1,host=01:00.0 -set device.h0.host=03:00.0") ==
        "0000:01:00.0");
  CHECK(devices("-hda nvme://0000:04:00.0/1") == "0000:04:00.0");
  CHECK(devices("-cdrom nvme://0000:04:00.0/1 -pflash nvme://0000:05:00.0/1") ==
        "0000:04:00.0 0000:05:00.0");
  CHECK(parse("qemu-system-x86_64 -netdev type=vhost-vdpa,vhostdev=/dev/vhost-vdpa-0,id=n0").vdpa ==
        std::vector<std::string>{"vhost-vdpa-0"});
}

TEST_CASE("I/O threads of the command line", "[vms]") {
  CHECK(parse("kvm -object iothread,id=iothread-virtioscsi0 -object {\"qom-type\":\"iothread\","
              "\"id\":\"b\"} -object memory-backend-ram,id=m")
            .iothreads == std::vector<std::string>{"iothread-virtioscsi0", "b"});
}

TEST_CASE("A socket that a descriptor stands for names no VM", "[vms]") {
  CHECK(parse("cloud-hypervisor --api-socket fd=23").name.empty());
  CHECK(parse("cloud-hypervisor --api-socket path=/run/ch/db.sock").name == "db");
  CHECK(parse("cloud-hypervisor --api-socket /run/vc/vm/web/clh-api.sock").name == "web");
}

TEST_CASE("Each row of the table of VMMs is found by its own names", "[vms]") {
  for (const auto& vmm : vmms()) {
    INFO(vmm.name);
    for (const auto glob : vmm.vcpus) {
      const auto slash = glob == "CPU " ? "/KVM" : "";
      CHECK(vcpu_of_thread(std::string(glob) + "7" + slash) == 7);
      CHECK_FALSE(is_helper_thread(std::string(glob) + "7" + slash));
    }
  }
  CHECK(is_qemu(vmm_of_comm("qemu-system-x86")));
  CHECK(is_qemu(vmm_of_comm("kvm")));
  CHECK(is_qemu(vmm_of_program(".qemu-system-x86_64-wrapped")));
  CHECK(vmm_of_comm("cloud-hyperviso") != nullptr);
  CHECK(vmm_of_comm("krun:vm") != nullptr);
  CHECK(vmm_of_comm("systemd") == nullptr);
  CHECK(vmm_of_program("qemu-img") == nullptr);
}

}  // namespace irqtune::test
