// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/watch_status.h"

#include "support/catch.h"
#include "support/hosts/fake_tree.h"
#include "support/hosts/vfio_tree.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include <linux/perf_event.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "watch/events/files.h"
#include "watch/events/notify.h"
#include "watch/events/samples.h"
#include "watch/events/signals.h"
#include "watch/events/surroundings.h"
#include "watch/events/tracepoints.h"
#include "watch/events/uevents.h"
#include "watch/vectors.h"

namespace irqtune::test {

namespace {

// As kernel 6.12 prints it.
constexpr auto kFormat = R"(name: vector_update
ID: 120
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:unsigned char common_flags;	offset:2;	size:1;	signed:0;
	field:unsigned char common_preempt_count;	offset:3;	size:1;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

	field:unsigned int irq;	offset:8;	size:4;	signed:0;
	field:unsigned int vector;	offset:12;	size:4;	signed:0;

print fmt: "irq=%u vector=%u", REC->irq, REC->vector
)";

template <typename T>
void put(std::string& bytes, T value) {
  std::array<char, sizeof(T)> raw{};
  std::memcpy(raw.data(), &value, sizeof(T));
  bytes.append(raw.data(), raw.size());
}

std::string record(std::uint32_t type, const std::string& body) {
  std::string bytes;
  put(bytes, type);
  put(bytes, std::uint16_t{0});
  put(bytes, static_cast<std::uint16_t>(sizeof(perf_event_header) + body.size()));
  return bytes + body;
}

std::string sample(std::uint32_t irq, std::uint32_t pid, std::uint64_t time) {
  std::string body;
  put(body, pid);
  put(body, pid + 1);
  put(body, time);
  put(body, std::uint32_t{20});
  body += std::string(8, '\0');
  put(body, irq);
  body += std::string(8, '\0');
  return record(PERF_RECORD_SAMPLE, body);
}

}  // namespace

TEST_CASE("watch: a refusal of tracepoints names the setting that makes it so", "[watch]") {
  CHECK(refusal_text(EACCES, "3") ==
        "perf_event_open: Permission denied; kernel.perf_event_paranoid is 3, with which Debian's "
        "kernels ask for CAP_SYS_ADMIN: with 2, CAP_PERFMON is enough");
  CHECK(refusal_text(EACCES, "2") == "perf_event_open: Permission denied");
  CHECK(refusal_text(ENOSYS, "3") == "perf_event_open: Function not implemented");
  CHECK(refusal_text(EPERM, "") == "perf_event_open: Operation not permitted");
}

TEST_CASE("watch: where a tracepoint's field stands", "[watch]") {
  CHECK(field_offset(kFormat, "irq") == 8);
  CHECK(field_offset(kFormat, "vector") == 12);
  CHECK(field_offset(kFormat, "cpu") == std::nullopt);
  CHECK(field_offset(kFormat, "common_type") == std::nullopt);  // No number of 4 bytes.
  CHECK(field_offset("", "irq") == std::nullopt);
  CHECK(field_offset("field:unsigned int irq;\toffset:x;\tsize:4;", "irq") == std::nullopt);
}

TEST_CASE("watch: records of a ring", "[watch]") {
  Samples samples;
  decode_records(sample(80, 362, 1234) + sample(81, 7, 1235), 8, samples);
  REQUIRE(samples.events.size() == 2);
  CHECK(samples.events[0].irq == 80);
  CHECK(samples.events[0].pid == 362);
  CHECK(samples.events[0].time_ns == 1234);
  CHECK(samples.events[1].irq == 81);
  CHECK_FALSE(samples.lost);
}

TEST_CASE("watch: lost and damaged records are told, and never read past", "[watch]") {
  Samples samples;
  decode_records(record(PERF_RECORD_LOST, std::string(16, '\0')) + sample(80, 1, 1), 8, samples);
  CHECK(samples.lost);
  CHECK(samples.events.size() == 1);
  const auto whole = sample(80, 1, 1);
  for (std::size_t size = 1; size < whole.size(); ++size) {
    Samples cut;
    decode_records(std::string_view(whole).substr(0, size), 8, cut);
    CHECK(cut.lost);
    CHECK(cut.events.empty());
  }
  Samples far;
  decode_records(whole, 4096, far);
  CHECK(far.lost);
}

TEST_CASE("watch: which uevents a plan rests on", "[watch]") {
  using namespace std::string_literals;
  CHECK(concerns_plan("bind@/x\0ACTION=bind\0SUBSYSTEM=pci\0DRIVER=vfio-pci\0"s));
  CHECK(concerns_plan("offline@/x\0ACTION=offline\0SUBSYSTEM=cpu\0"s));
  CHECK(concerns_plan("add@/x\0ACTION=add\0SUBSYSTEM=vfio-dev\0"s));
  CHECK_FALSE(concerns_plan("change@/x\0ACTION=change\0SUBSYSTEM=pci\0"s));
  CHECK_FALSE(concerns_plan("add@/x\0ACTION=add\0SUBSYSTEM=net\0"s));
  CHECK_FALSE(concerns_plan("libudev\0\xfe\xed"s));
  CHECK_FALSE(concerns_plan(""));
}

TEST_CASE("watch: messages to systemd", "[watch]") {
  const FakeTree tree;
  const auto path = (tree.root() / "notify").native();
  const Fd receiver(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  REQUIRE(path.size() < sizeof(address.sun_path));
  std::memcpy(&address.sun_path, path.data(), path.size());
  REQUIRE(::bind(receiver.get(),
                 reinterpret_cast<const sockaddr*>(&address),  // NOLINT
                 sizeof(address)) == 0);
  Notifier(path).send("READY=1\nSTATUS=x");
  std::array<char, 100> buffer{};
  const auto size = ::read(receiver.get(), buffer.data(), buffer.size());
  REQUIRE(size > 0);
  CHECK(std::string(buffer.data(), static_cast<std::size_t>(size)) == "READY=1\nSTATUS=x");
  Notifier("").send("READY=1");                     // None is asked for,
  Notifier(path + "-gone").send("READY=1");         // or nobody is there,
  Notifier(std::string(200, 'x')).send("READY=1");  // or it is no name.
}

TEST_CASE("watch: how often the watchdog wants to hear", "[watch]") {
  using std::chrono::milliseconds;
  CHECK(watchdog_interval("30000000", "", 7) == milliseconds(15000));
  CHECK(watchdog_interval("30000000", "7", 7) == milliseconds(15000));
  CHECK(watchdog_interval("30000000", "8", 7) == std::nullopt);
  CHECK(watchdog_interval("", "", 7) == std::nullopt);
  CHECK(watchdog_interval("0", "", 7) == std::nullopt);
  CHECK(watchdog_interval("x", "", 7) == std::nullopt);
}

TEST_CASE("watch: signals come by a descriptor", "[watch]") {
  const SignalSource signals;
  CHECK(signals.next() == std::nullopt);
  ::kill(::getpid(), SIGUSR1);
  CHECK(signals.next() == SIGUSR1);
  CHECK(signals.next() == std::nullopt);
}

TEST_CASE("watch: changes below a directory, also of one that comes later", "[watch]") {
  FakeTree tree;
  tree.file("/run/libvirt/qemu/vm1.xml", "x");
  const auto sysfs = tree.sysfs();
  FileSource files(sysfs);
  files.watch({"/run/libvirt/qemu", "/run/qemu-server"});
  CHECK_FALSE(files.drain());
  tree.file("/run/libvirt/qemu/vm1.xml", "y");
  CHECK(files.drain());
  CHECK_FALSE(files.drain());
  tree.file("/run/qemu-server/1.pid", "1");
  CHECK_FALSE(files.drain());
  files.watch({"/run/libvirt/qemu", "/run/qemu-server"});
  tree.file("/run/qemu-server/1.pid", "2");
  CHECK(files.drain());
}

TEST_CASE("watch: a vector as it stands, and when its files are new", "[watch]") {
  VfioTree tree(2);
  const std::string dir = "/sys/bus/pci/devices/0000:3b:00.0/msi_irqs/";
  tree.file(Sysfs::kInodes, dir + "30 500\n" + dir + "31 501\n");
  const auto sysfs = tree.sysfs();
  const auto seen = see_vector(sysfs, IrqNumber{31});
  REQUIRE(seen);
  CHECK(seen->vector.index == 1);
  CHECK(seen->generation == 501);
  CHECK(seen->mask == CpuSet::parse_list("0-7"));
  CHECK_FALSE(see_vector(sysfs, IrqNumber{99}));

  VectorPoll poll(sysfs);
  poll.watch({vfio_device()});
  CHECK(poll.made().empty());
  tree.file(Sysfs::kInodes, dir + "30 500\n" + dir + "31 601\n");
  CHECK(poll.made() == std::vector{IrqNumber{31}});
  CHECK(poll.made().empty());
  tree.add_vector(32, 2);
  tree.file(Sysfs::kInodes, dir + "30 500\n" + dir + "31 601\n" + dir + "32 602\n");
  CHECK(poll.made() == std::vector{IrqNumber{32}});

  SECTION("where the directory itself was removed and made anew") {
    std::filesystem::remove_all(tree.root() / dir.substr(1));
    CHECK(poll.made().empty());
    tree.file(dir + "40", "msix\n");
    tree.file(dir + "30", "msix\n");
    tree.file(Sysfs::kInodes, dir + "30 700\n" + dir + "40 701\n");
    CHECK(poll.made() == std::vector{IrqNumber{30}, IrqNumber{40}});
  }
  SECTION("where nothing records them, by their numbers") {
    std::filesystem::remove(tree.root() / Sysfs::kInodes.substr(1));
    static_cast<void>(poll.made());
    tree.add_vector(33, 3);
    CHECK(poll.made() == std::vector{IrqNumber{33}});
  }
}

TEST_CASE("watch: a handler's thread that is freed, not one that follows its mask", "[watch]") {
  const auto status = [](const std::string& cpus) { return "Cpus_allowed_list:\t" + cpus + "\n"; };
  FakeTree tree{{"/proc/940/task/940/status", status("1")},
                {"/proc/940/stat", "940 (irq/40-vfio-msi) S"}};
  Host host;
  Vm vm;
  vm.name = "vm1";
  vm.threads = {{940, "irq/40-vfio-msi", CpuSet{1}}, {950, "vhost-300", CpuSet{1}}};
  host.vms = {vm};
  const auto sysfs = tree.sysfs();
  Surroundings surroundings(sysfs);
  surroundings.note(host);
  CHECK_FALSE(surroundings.changed());
  tree.file("/proc/940/task/940/status", status("2"));
  CHECK_FALSE(surroundings.changed());
  CHECK_FALSE(surroundings.has_free_handlers());
  tree.file("/proc/940/task/940/status", status("0-15"));
  CHECK(surroundings.changed());
  CHECK_FALSE(surroundings.changed());  // Once a change.
  CHECK(surroundings.has_free_handlers());
}

TEST_CASE("watch: when a process started", "[watch]") {
  const FakeTree tree = {
      {"/proc/7/stat", "7 (a) b (c)) S 1 7 7 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 4711 0\n"},
      {"/proc/8/stat", "8 (x"}};
  const auto sysfs = tree.sysfs();
  CHECK(process_started(sysfs, 7) == 4711);
  CHECK(process_started(sysfs, 8) == std::nullopt);
  CHECK(process_started(sysfs, 9) == std::nullopt);
}

}  // namespace irqtune::test
