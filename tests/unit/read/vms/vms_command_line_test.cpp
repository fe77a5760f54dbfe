// SPDX-License-Identifier: Apache-2.0
#include "irqtune/read/vms/sources.h"

#include "support/catch.h"

namespace irqtune::test {

namespace {

/// A command line of words that blanks separate here.
VmmCommand parse(std::string text) {
  for (auto& c : text) {
    c = c == ' ' ? '\0' : c;
  }
  return parse_vmm_command(text);
}

std::string devices(const VmmCommand& command) {
  std::string text;
  for (const auto& device : command.devices) {
    text += text.empty() ? "" : " ";
    text += device.to_string();
  }
  return text;
}

}  // namespace

TEST_CASE("The name that QEMU is given", "[vms]") {
  CHECK(parse("qemu-system-x86_64 -name vm1").name == "vm1");
  CHECK(parse("qemu-system-x86_64 -name guest=vm1,debug-threads=on").name == "vm1");
  CHECK(parse("qemu-system-x86_64 -name debug-threads=on,guest=vm1").name == "vm1");
  CHECK(parse("/usr/libexec/qemu-kvm --name guest=a,,b=c,process=x").name == "a,b=c");
  CHECK(parse("qemu-system-x86_64 -m 512 -name").name.empty());
  const auto proxmox = parse("/usr/bin/kvm -id 100 -name web,debug-threads=on -no-shutdown");
  CHECK(proxmox.name == "web");
  CHECK(proxmox.vmid == 100);
  CHECK(proxmox.program == "kvm");
}

TEST_CASE("A UUID is compared as libvirt writes it", "[vms]") {
  CHECK(parse("qemu-system-x86_64 -uuid AB12").uuid == "ab12");
  CHECK(parse("cloud-hypervisor --platform uuid=AB12").uuid == "ab12");
}

TEST_CASE("How many vCPUs a VM starts with", "[vms]") {
  CHECK(parse("qemu-system-x86_64 -smp 4").vcpus == 4);
  CHECK(parse("qemu-system-x86_64 -smp 2,sockets=1,cores=2,maxcpus=8").vcpus == 2);
  CHECK(parse("qemu-system-x86_64 -smp sockets=1,cpus=6").vcpus == 6);
  CHECK(parse("qemu-system-x86_64 -smp sockets=2,cores=4,threads=2").vcpus == 16);
  CHECK(parse("qemu-system-x86_64 -smp cores=4,threads=1,cpus=3").vcpus == 3);
  CHECK(parse("qemu-system-x86_64 -smp sockets=1,maxcpus=8").vcpus == 8);
  CHECK_FALSE(parse("qemu-system-x86_64 -smp maxcpus=-8").vcpus);
  CHECK_FALSE(parse("qemu-system-x86_64 -smp cores=999999999,threads=999999999").vcpus);
  CHECK(parse("cloud-hypervisor --cpus boot=3,max=8").vcpus == 3);
  CHECK(parse("crosvm run --cpus num-cores=5").vcpus == 5);
  CHECK_FALSE(parse("qemu-system-x86_64 -smp 999999999").vcpus);
}

TEST_CASE("Passed-through devices on a command line", "[vms]") {
  CHECK(devices(parse("qemu-system-x86_64 -device vfio-pci,host=0000:24:00.0,id=h")) ==
        "0000:24:00.0");
  CHECK(devices(parse("qemu-system-x86_64 -device id=h,host=24:0.1,driver=vfio-pci")) ==
        "0000:24:00.1");
  CHECK(devices(parse("qemu-system-x86_64 -device vfio-pci,sysfsdev=/sys/bus/pci/devices/"
                      "10000:e1:00.0")) == "10000:e1:00.0");
  CHECK(devices(parse(R"(qemu-system-x86_64 -device {"driver":"vfio-pci","host":"0000:24:00.0",)"
                      R"("id":"a\"b","bus":"pci.1","addr":"0x0"})")) == "0000:24:00.0");
  CHECK(devices(parse(R"(qemu-system-x86_64 -blockdev {"driver":"nvme","device":"0000:04:00.0",)"
                      R"("namespace":1,"node-name":"n"})")) == "0000:04:00.0");
  CHECK(devices(parse("qemu-system-x86_64 -device vfio-pci,sysfsdev=/sys/bus/mdev/devices/"
                      "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"))
            .empty());
  CHECK(devices(parse("qemu-system-x86_64 -device virtio-net,host=0000:24:00.0")).empty());
  CHECK(devices(parse(R"(qemu-system-x86_64 -device {"x":{"driver":"vfio-pci","host":"0:1:2.3"}})"))
            .empty());
  CHECK(devices(parse("crosvm run --vfio /sys/bus/pci/devices/0000:02:00.0,iommu=viommu")) ==
        "0000:02:00.0");
}

TEST_CASE("NVMe disks that QEMU drives itself", "[vms]") {
  const auto of = [](const std::string& words) {
    return devices(parse("qemu-system-x86_64 " + words));
  };
  CHECK(of("-drive file=nvme://0000:04:00.0/1,if=none,id=d") == "0000:04:00.0");
  CHECK(of("-drive if=none,file=nvme://10000:e1:00.0/2") == "10000:e1:00.0");
  CHECK(of("-drive file.driver=nvme,file.device=0000:05:00.0,file.namespace=1,format=raw") ==
        "0000:05:00.0");
  CHECK(of("-drive driver=raw,file.filename=nvme://0000:05:00.1/1") == "0000:05:00.1");
  CHECK(of("-blockdev driver=nvme,device=0000:06:00.0,namespace=1,node-name=n") == "0000:06:00.0");
  CHECK(of(R"(-blockdev {"driver":"raw","file":{"driver":"nvme","device":"0000:07:00.0",)"
           R"("namespace":1},"node-name":"n"})") == "0000:07:00.0");
  CHECK(of(R"(-drive file=json:{"driver":"nvme",,"device":"0000:08:00.0",,"namespace":1})") ==
        "0000:08:00.0");
  CHECK(of("-blockdev driver=nvme,device=0000:06:00.0,node-name=a"
           " -blockdev driver=raw,file=a -drive file=nvme://0000:09:00.0/1") ==
        "0000:06:00.0 0000:09:00.0");

  // An emulated controller, an image with such a name, a torn address
  CHECK(of("-device nvme,drive=d,serial=x,device=0000:04:00.0").empty());
  CHECK(of("-drive file=/images/nvme.raw,driver=raw,device=0000:04:00.0").empty());
  CHECK(of("-drive file=nvme://,if=none").empty());
  CHECK(of("-drive file=nvme://0000:04:00/1").empty());
}

TEST_CASE("Torn command lines do no harm", "[vms]") {
  for (const auto* text : {"",
                           " ",
                           "qemu-system-x86_64 -device",
                           "qemu-system-x86_64 -device {",
                           R"(qemu-system-x86_64 -device {"driver":"vfio-pci)",
                           R"(qemu-system-x86_64 -device {"driver\)",
                           "qemu-system-x86_64 -device ,",
                           "qemu-system-x86_64 -device =",
                           "qemu - -- ---",
                           "cloud-hypervisor --api-socket ="}) {
    CHECK(devices(parse(text)).empty());
  }
}

TEST_CASE("The vCPU of a thread by its name", "[vms]") {
  CHECK(vcpu_of_thread("CPU 0/KVM") == 0);
  CHECK(vcpu_of_thread("CPU 127/TCG") == 127);
  CHECK(vcpu_of_thread("vcpu12") == 12);
  CHECK(vcpu_of_thread("fc_vcpu 3") == 3);
  CHECK(vcpu_of_thread("crosvm_vcpu1") == 1);
  CHECK(vcpu_of_thread("kvm-vcpu-2") == 2);
  for (const auto* comm : {"",
                           "CPU 0",
                           "CPU /KVM",
                           "CPU -1/KVM",
                           "CPU x/KVM",
                           "vcpu",
                           "vcpu--1",
                           "IO iothread0",
                           "qemu-system-x86",
                           "fc_vcpu3x",
                           "kvm-nx-lpage-re"}) {
    INFO(comm);
    CHECK_FALSE(vcpu_of_thread(comm));
  }
}

TEST_CASE("Addresses as people write them", "[vms]") {
  CHECK(parse_loose_address("0000:3b:00.0")->to_string() == "0000:3b:00.0");
  CHECK(parse_loose_address("1:0.0")->to_string() == "0000:01:00.0");
  CHECK(parse_loose_address("10000:e1:00.7")->to_string() == "10000:e1:00.7");
  bool all = false;
  CHECK(parse_loose_address("0000:01:00", &all)->to_string() == "0000:01:00.0");
  CHECK(all);
  CHECK(parse_loose_address("01:00.1", &all)->to_string() == "0000:01:00.1");
  CHECK_FALSE(all);
  for (const auto* text :
       {"", "01:00", "01", "a:b:c:d.0", "01:20.0", "01:00.8", "100:00.0", ":.", "g:0.0"}) {
    INFO(text);
    CHECK_FALSE(parse_loose_address(text));
  }
}

}  // namespace irqtune::test
