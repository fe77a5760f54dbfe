// SPDX-License-Identifier: Apache-2.0
// What a hostile tree or file may cost: bounded time and memory, and a word on what was passed
// over.
#include "irqtune/core/cpu_set.h"
#include "irqtune/core/error.h"
#include "irqtune/core/protection.h"
#include "irqtune/plan/planner.h"
#include "irqtune/read/interrupts/interrupts.h"
#include "irqtune/read/vms/sources.h"

#include "report/text/cpu_marks.h"
#include "support/bounded.h"
#include "support/catch.h"
#include "support/hosts/cpu_tree.h"
#include "support/hosts/make_host.h"
#include "support/hosts/vfio_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <string>

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "snapshot/anonymize.h"

namespace irqtune::test {

namespace {

namespace fs = std::filesystem;

#ifdef __SANITIZE_ADDRESS__
constexpr std::size_t kMuch = 2500;  // Megabytes; the sanitizer keeps much of what was freed.
#else
constexpr std::size_t kMuch = 1500;
#endif

constexpr std::string_view kTable =
    " CPU0 CPU1\n 30: 1 2 IR-PCI-MSIX-0000:3b:00.0 0-edge vfio-msix[0](0000:3b:00.0)\n";

/// A host of four CPUs with vectors to plan for.
class SmallHost : public VfioTree {
 public:
  SmallHost() : VfioTree(2) {
    file("/sys/devices/system/cpu/online", "0-3\n");
    file("/sys/devices/system/cpu/isolated", "3\n");
    file("/proc/stat", "cpu0 1 2 3 4 5 6 7 8\n");
    file("/proc/uptime", "100.0 100.0\n");
    file("/proc/interrupts", kTable);
    file("/sample2/proc/interrupts", kTable);
    file("/sample2/proc/uptime", "200.0 200.0\n");
    file("/sample2/proc/stat", "cpu0 2 2 3 4 5 6 7 8\n");
    for (int cpu = 0; cpu < 4; ++cpu) {
      add_cpu(*this, cpu, 0, cpu, std::to_string(cpu));
    }
  }

  /// A path of this machine.
  [[nodiscard]] fs::path at(const std::string& path) const { return root() / path.substr(1); }

  void remove(const std::string& path) const { fs::remove_all(at(path)); }

  /// A file of 1 GiB that takes no space.
  void make_huge(const std::string& path) const {
    REQUIRE(::truncate(at(path).c_str(), off_t{1} << 30) == 0);
  }

  [[nodiscard]] BoundedRan plan() const { return run_bounded({"--root", root(), "plan"}); }
};

void check_bounded(const BoundedRan& ran) {
  INFO(ran.err);
  CHECK(ran.ended);
  CHECK(ran.megabytes < kMuch);
}

void check_warned(const BoundedRan& ran, const std::string& warning) {
  check_bounded(ran);
  CHECK(ran.code == 0);
  CHECK_THAT(ran.err, Catch::Contains(warning));
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) {
    out += text;
  }
  return out;
}

const std::vector<std::string>& small_files() {
  static const std::vector<std::string> kFiles{"/proc/stat",
                                               "/proc/uptime",
                                               "/sys/devices/system/cpu/isolated",
                                               "/proc/irq/default_smp_affinity",
                                               "/sys/devices/system/cpu/cpu1/topology/core_id"};
  return kFiles;
}

}  // namespace

TEST_CASE("limits: a small file of 1 GiB is passed over, by name", "[limits]") {
  for (const auto& path : small_files()) {
    const SmallHost host;
    host.make_huge(path);
    check_warned(host.plan(), path + ": File too large");
  }
}

TEST_CASE("limits: a FIFO in a file's place does not hang", "[limits]") {
  for (const auto& path : small_files()) {
    const SmallHost host;
    host.remove(path);
    REQUIRE(::mkfifo(host.at(path).c_str(), 0600) == 0);
    check_warned(host.plan(), path + ": Wrong medium type");
  }
}

TEST_CASE("limits: a device in a file's place is not read", "[limits]") {
  const SmallHost host;
  host.remove("/proc/stat");
  if (::mknod(host.at("/proc/stat").c_str(), S_IFCHR | 0600, makedev(1, 5)) != 0) {
    WARN("not root: no device can be made");
    return;
  }
  check_warned(host.plan(), "/proc/stat: Wrong medium type");
}

TEST_CASE("limits: a directory or a loop of links in a file's place", "[limits]") {
  for (const auto& path : small_files()) {
    const SmallHost host;
    host.remove(path);
    fs::create_directory(host.at(path));
    check_warned(host.plan(), path + ": Is a directory");
    host.remove(path);
    fs::create_symlink(host.at(path).filename(), host.at(path));
    check_warned(host.plan(), path + ": Too many levels of symbolic links");
  }
}

TEST_CASE("limits: a vector's mask that is no file to read", "[limits]") {
  const SmallHost host;
  host.make_huge("/proc/irq/30/smp_affinity_list");
  check_warned(host.plan(), "the masks of 1 vector could not be read");
}

TEST_CASE("limits: a file in a directory's place", "[limits]") {
  for (const std::string path : {"/proc/irq", "/sys/devices/system/cpu", "/sys/bus/pci/devices"}) {
    SmallHost host;
    host.remove(path);
    host.file(path, "0-3\n");
    check_bounded(host.plan());
  }
}

TEST_CASE("limits: /proc/interrupts of 1 GiB without a line in it", "[limits]") {
  const SmallHost host;
  host.make_huge("/proc/interrupts");
  check_warned(host.plan(), "/proc/interrupts: File too large; no interrupts are known");
}

TEST_CASE("limits: a table of interrupts larger than any", "[limits]") {
  const auto line =
      parse_interrupts(" CPU0\n 1: 5 a\n 2: 6 " + std::string(2 << 20, 'x') + "\n 3: 7 b\n");
  CHECK(line.irqs.size() == 2);
  REQUIRE(line.warnings.size() == 1);
  CHECK_THAT(line.warnings[0], Catch::Contains("line 3: longer than any line"));

  std::string text = " CPU0\n";
  for (int irq = 0; irq < 1'100'000; ++irq) {
    text += fmt::format("{}:\n", irq);
  }
  const auto rows = parse_interrupts(text);
  CHECK(rows.irqs.size() == 1 << 20);
  CHECK_THAT(rows.warnings.back(), Catch::Contains("larger than any table"));
}

TEST_CASE("limits: rows of a table with a line for each count", "[limits]") {
  constexpr std::size_t kCpus = 40'000;
  std::string text;
  for (std::size_t cpu = 0; cpu < kCpus; ++cpu) {
    text += fmt::format(" CPU{}", cpu);
  }
  for (int irq = 1; irq <= 4; ++irq) {
    text += fmt::format("\n{}: 7", irq) + repeated("\n7", kCpus - 1) + "\n IO-APIC 1-edge a";
  }
  const auto start = std::clock();
  const auto table = parse_interrupts(text);
  CHECK(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC < 10);  // Squared: minutes
  REQUIRE(table.irqs.size() == 4);
  CHECK(total_count(table.irqs[3]) == kCpus * 7);
  CHECK(table.irqs[3].actions == std::vector<std::string>{"a"});
}

TEST_CASE("limits: more CPUs than can be in a list", "[limits]") {
  for (const std::string list : {"0-4294967295", "0-999999999", "4294967296", "0-65536"}) {
    CHECK_FALSE(CpuSet::parse_list(list));
    SmallHost host;
    host.file("/sys/devices/system/cpu/isolated", list);
    check_warned(host.plan(), "/sys/devices/system/cpu/isolated: ");
    CHECK(run({"--root", host.root(), "plan", "--avoid", list}).code == 2);
  }
}

TEST_CASE("limits: lists and masks of megabytes", "[limits]") {
  SmallHost host;
  host.file("/sys/devices/system/cpu/isolated", repeated("0-65535,", 500'000));
  check_bounded(host.plan());
  host.file("/sys/devices/system/cpu/isolated", repeated("0-65535:1/2,", 300'000));
  check_warned(host.plan(), "steps through the same CPUs over and over");
  host.file("/proc/irq/default_smp_affinity", repeated("ffffffff,", 400'000) + "ff");
  check_bounded(host.plan());
  CHECK_FALSE(CpuSet::parse_mask(repeated("f", 4'000'000)));
}

TEST_CASE("limits: tables of CPUs with as many columns as rows", "[limits]") {
  std::string members = "{\"cpus\":[{\"cpu\":0}";
  for (int i = 0; i < 100'000; ++i) {
    members += fmt::format(",{{\"c{}\":1}}", i);
  }
  const FakeTree files{{"/p", "# CPU" + std::string(300'000, ',') + repeated("\n0", 300'000)},
                       {"/few", "# CPU" + std::string(60, ',') + repeated("\n0", 1'000'000)},
                       {"/e", "CPU" + repeated(" A", 300'000) + repeated("\n0 0", 300'000)},
                       {"/json", members + "]}"},
                       {"/deep", repeated("[", 1'000'000)}};
  const SmallHost host;
  for (const auto* const name : {"p", "few", "e", "json", "deep"}) {
    INFO(name);
    check_bounded(run_bounded({"--root", host.root(), "--lscpu", files.root() / name, "plan"}));
  }
}

TEST_CASE("limits: deep XML, and entities that unfold", "[limits]") {
  SmallHost host;
  host.file("/etc/libvirt/qemu/deep.xml", repeated("<a>", 100'000));
  host.file("/etc/libvirt/qemu/closed.xml",
            "<domain><name>x</name>" + repeated("<a>", 100'000) + repeated("</a>", 100'000) +
                "</domain>");
  host.file("/etc/libvirt/qemu/bomb.xml",
            "<!DOCTYPE d [<!ENTITY a \"" + std::string(1000, 'a') + "\"><!ENTITY b \"" +
                repeated("&a;", 1000) + "\"><!ENTITY c \"" + repeated("&b;", 1000) +
                "\">]><domain><name>&c;</name></domain>");
  const auto ran = host.plan();
  check_warned(ran, "/etc/libvirt/qemu/deep.xml: ");
  CHECK_THAT(ran.err, Catch::Contains("/etc/libvirt/qemu/closed.xml: "));
}

TEST_CASE("limits: directories of many names", "[limits]") {
  SmallHost host;
  for (const std::string directory : {"/proc/irq", "/sys/devices/system/cpu", "/proc"}) {
    for (int i = 0; i < 5000; ++i) {
      fs::create_directory(host.at(fmt::format("{}/{}{}", directory, i, i % 2 == 0 ? "" : "x")));
    }
  }
  check_bounded(host.plan());
}

TEST_CASE("limits: no work grows with the square of the VMs", "[limits]") {
  constexpr int kVms = 40'000;
  Host host;
  host.topology.online = {0};
  host.topology.cpus.resize(1);
  Policy policy;
  ProtectionMap map;
  Aliases aliases;
  for (int i = 0; i < kVms; ++i) {
    Vm vm;
    vm.name = fmt::format("a-virtual-machine-{}", i);
    map[0].push_back({ProtectionKind::vcpu, vm.name, {0}, "libvirt", {}, {}});
    policy.vm_policies[vm.name] = VmPolicy::leave;
    aliases.learn(vm.name);
    host.vms.push_back(std::move(vm));
  }
  aliases.finish_learning();
  const auto start = std::clock();
  const auto seconds = [&] { return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC; };
  CHECK(protection_texts(0, map[0]).size() == kVms);
  CHECK(CpuMarks(map).legend(80).size() > kVms);
  CHECK(make_plan(host, policy).warnings.empty());
  CHECK(aliases.replace_names(repeated("/a-virtual-machine-7", 500)) ==
        repeated("/" + aliases.name("a-virtual-machine-7"), 500));
  CHECK(seconds() < 15);  // Of them, one that does takes a minute.
}

TEST_CASE("limits: pools of hundreds of VMs on hundreds of CPUs", "[limits]") {
  constexpr int kCpus = 512;
  constexpr int kVms = 300;
  auto host = make_host({1, kCpus, 1, 1});
  const auto pool = fmt::format("0-{}", kCpus - 1);
  for (int i = 0; i < kVms; ++i) {
    add_vm(host, fmt::format("vm{}", i), std::vector<std::string>(16, pool), {});
  }
  const auto map = protections(host, {});
  CHECK(map.at(0).size() == kVms);
  CHECK(protection_texts(0, map.at(0)).front() == "cpu0: vCPUs 0-15 of vm0 (libvirt)");
}

TEST_CASE("limits: a VM of thousands of vCPUs on CPUs that are not there", "[limits]") {
  SmallHost host;
  host.file("/etc/libvirt/qemu/wide.xml",
            "<domain><name>wide</name><vcpu cpuset='1-65535'>16384</vcpu></domain>");
  const auto ran = run_bounded({"--root", host.root(), "show", "vms", "--include-defined"});
  check_bounded(ran);
  CHECK(ran.code == 0);
}

TEST_CASE("limits: command lines that any process can have", "[limits]") {
  const auto word = GENERATE(as<std::string>{}, "a=json:", "driver=nvme,", "{\"a\":\"b\",", "a,");
  CAPTURE(word);
  SmallHost host;
  for (const std::size_t size : {60'000U, 4'000'000U}) {
    const auto pid = std::to_string(size);
    auto value = repeated(word, size / word.size());
    value += std::string(1, '\0') + "-drive" + std::string(1, '\0') + value;
    host.file(fmt::format("/proc/{}/comm", pid), "qemu-system-x86\n");
    host.file(fmt::format("/proc/{}/cmdline", pid),
              std::string("qemu-system-x86_64\0-blockdev\0", 29) + value + std::string(1, '\0'));
    host.file(fmt::format("/proc/{0}/task/{0}/comm", pid), "CPU 0/TCG\n");
    host.file(fmt::format("/proc/{0}/task/{0}/status", pid), "Cpus_allowed_list:\t0\n");
  }
  const auto ran = run_bounded({"--root", host.root(), "show", "vms"});
  check_bounded(ran);
  CHECK_THAT(ran.out, Catch::Contains("qemu-system-x86_64-60000"));
  CHECK(ran.megabytes < kMuch / 5);
}

TEST_CASE("limits: a name as long as a file costs no more than others", "[limits]") {
  Aliases aliases;
  aliases.learn(std::string(200'000, 'a'));
  aliases.finish_learning();
  const auto text = repeated("/a", 100'000);
  const auto start = std::clock();
  CHECK(aliases.replace_names(text) == text);
  CHECK((std::clock() - start) / CLOCKS_PER_SEC < 15);  // Minutes, if each shorter size is tried.
}

TEST_CASE("limits: plan files", "[limits]") {
  const SmallHost host;
  const auto apply = [&](std::string_view text) {
    const FakeTree file{{"/plan", std::string(text)}};
    const auto ran = run_bounded({"--root", host.root(), "apply", file.root() / "plan"});
    check_bounded(ran);
    CHECK(ran.code == 2);
    return ran.err;
  };
  CHECK_THAT(apply(repeated("[", 2'000'000)), Catch::Contains("deeper or larger than any plan"));
  CHECK_THAT(apply("{\"a\":" + repeated("[", 2'000'000)), Catch::Contains("deeper or larger"));
  CHECK_THAT(apply("{\"a\":[" + repeated("[],", 4'500'000) + "1]}"),
             Catch::Contains("deeper or larger than any plan"));
  const FakeTree file{{"/plan", ""}};
  REQUIRE(::truncate((file.root() / "plan").c_str(), off_t{1} << 30) == 0);
  const auto ran = run_bounded({"--root", host.root(), "apply", file.root() / "plan"});
  check_bounded(ran);
  CHECK_THAT(ran.err, Catch::Contains("cannot read the plan: File too large"));
}

TEST_CASE("limits: journals", "[limits]") {
  SmallHost host;
  const std::string id = "20260301T123456Z-0001";
  const auto history = [&] { return run_bounded({"--root", host.root(), "history"}); };
  REQUIRE(run({"--root", host.root(), "apply"}).code == 0);  // Makes the state directory.
  host.set_journal(id, repeated("[", 2'000'000) + "\n");
  check_bounded(history());
  fs::resize_file(host.at("/var/lib/irqtune/journal/" + id + ".jsonl"), std::uintmax_t{1} << 30);
  const auto ran = history();
  check_bounded(ran);
  CHECK_THAT(ran.out + ran.err, Catch::Contains(id));
}

TEST_CASE("limits: configuration files", "[limits]") {
  SmallHost host;
  host.file("/etc/irqtune/irqtune.toml", "");
  host.make_huge("/etc/irqtune/irqtune.toml");
  const auto huge = host.plan();
  check_bounded(huge);
  CHECK(huge.code == 1);
  CHECK_THAT(huge.err, Catch::Contains("/etc/irqtune/irqtune.toml: cannot read: File too large"));
  host.remove("/etc/irqtune/irqtune.toml");
  REQUIRE(::mkfifo(host.at("/etc/irqtune/irqtune.toml").c_str(), 0600) == 0);
  const auto fifo = host.plan();
  check_bounded(fifo);
  CHECK(fifo.code == 1);
  host.remove("/etc/irqtune/irqtune.toml");
  const auto endless = run_bounded({"--root", host.root(), "--config", "/dev/zero", "plan"});
  check_bounded(endless);
  CHECK(endless.code == 2);
  CHECK_THAT(endless.err, Catch::Contains("not a text file"));
}

}  // namespace irqtune::test
