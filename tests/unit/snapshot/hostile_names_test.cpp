// SPDX-License-Identifier: Apache-2.0
// Names that come from guests, drivers and files in a tree: whatever they hold, a terminal shows
// text, a document is JSON, and a shell runs nothing of them.
#include "irqtune/core/text.h"

#include "support/catch.h"
#include "support/hosts/captured_host.h"
#include "support/hosts/cpu_tree.h"
#include "support/hosts/vfio_tree.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace irqtune::test {

namespace {

using namespace std::string_literals;

/// Clears a terminal by ESC and by C1, turns its text around, is no UTF-8, and would run.
const std::string kEvil =
    "\x1b[2J\xc2\x9b"
    "2J\xe2\x80\xae\xff'\"$(touch evil)`touch evil`;touch evil"s;

/// As the name of a file, with a line of its own.
const std::string kFile = kEvil + "\nforged: all is well";

/// A host that has `kEvil` wherever someone else chooses a name.
class EvilHost : public VfioTree {
 public:
  EvilHost() : VfioTree(2) {
    file("/proc/sys/kernel/hostname", kFile);
    file("/proc/sys/kernel/osrelease", "6.1.0" + kFile);
    file("/proc/sys/kernel/random/boot_id", kFile);
    file("/proc/cmdline", "isolcpus=" + kEvil + " irqaffinity=" + kFile);
    file("/sys/devices/system/cpu/online", "0-3\n");
    file("/sys/devices/system/cpu/isolated", kFile);
    for (int cpu = 0; cpu < 4; ++cpu) {
      add_cpu(*this, cpu, 0, cpu, std::to_string(cpu));
      const auto dir = fmt::format("/sys/devices/system/cpu/cpu{}/", cpu);
      file(dir + "cpufreq/scaling_governor", "powersave");
      file(dir + "cpufreq/scaling_driver", kFile);
    }
    add_interrupts();
    add_processes();
    add_files();
  }

  [[nodiscard]] Ran irqtune(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"--root", root().string()});
    return run(arguments);
  }

 private:
  void add_interrupts() {
    file("/proc/interrupts",
         " CPU0 CPU1 CPU2 CPU3\n"
         " 20: 5 0 0 0 " +
             kEvil.substr(0, 9) + " 3-edge " + kEvil + ", " + kEvil +
             "\n"
             " 30: 0 9 0 0 IR-PCI-MSIX-0000:3b:00.0 0-edge vfio-msix[0](0000:3b:00.0), " +
             kEvil + "\n NMI: 1 2 3 4 " + kEvil + "\n");
    file("/sys/kernel/irq/31/actions", "vfio-msix[1](0000:3b:00.0)," + kFile + "\n");
    file("/sys/kernel/irq/31/chip_name", kFile);
    link("/sys/bus/pci/devices/0000:3c:00.0/driver", "../drivers/" + kFile);
    file("/sys/bus/pci/devices/0000:3c:00.0/irq", "20\n");
    link("/sys/bus/pci/drivers/" + kFile + "/module", "../" + kFile);
  }

  void add_process(int pid, const std::string& comm, const std::string& command) {
    file(fmt::format("/proc/{}/comm", pid), comm + "\n");
    file(fmt::format("/proc/{}/cmdline", pid), command);
  }

  void add_processes() {
    add_process(300, "qemu-system-x86", "qemu-system-x86_64\0-name\0guest="s + kFile + "\0"s);
    link("/proc/300/fd/3", "anon_inode:kvm-vm");
    const std::vector<std::string> names{"CPU 0/KVM", "IO " + kFile};
    for (std::size_t i = 0; i < names.size(); ++i) {
      const auto task = fmt::format("/proc/300/task/{}/", 301 + i);
      file(task + "comm", names[i] + "\n");
      file(task + "status", "Cpus_allowed_list:\t1\n");
    }
    add_process(400, "irqbalance", "irqbalance\0-p\0"s + kFile + "\0"s);
    file("/proc/400/environ", "IRQBALANCE_ARGS=" + kFile);
    file("/etc/default/irqbalance", "IRQBALANCE_ARGS=\"" + kEvil + "\"\n");
    add_process(500, "tuned", "");
    file("/etc/tuned/active_profile", "x " + kFile);
    file("/etc/tuned/x/tuned.conf", "[irq]\n");
    add_process(600, "crio", "");
    file("/etc/crio/crio.conf", "irqbalance_config_file=" + kEvil);
    add_process(700, kFile, "x");
    link("/proc/700/fd/3", "/dev/vfio/" + kFile);
  }

  void add_files() {
    for (const auto* const name : {"/etc/libvirt/qemu/", "/etc/cron.d/", "/sys/fs/cgroup/"}) {
      std::filesystem::create_directories(root().string() + name);
    }
    file("/etc/libvirt/qemu/" + kFile + ".xml", "<domain><name>x");
    file("/etc/libvirt/qemu/y.xml",
         "<domain><name>&#27;[2J&#10;forged: y</name><vcpu cpuset='$(x)&#10;'>2</vcpu></domain>");
    file("/etc/pve/qemu-server/100." + kFile + ".conf", "affinity: " + kEvil + "\n");
    file("/etc/pve/qemu-server/101.conf", "name: " + kEvil + "\naffinity: 1\ncores: 1\n");
    file("/etc/cron.d/" + kFile, "echo 1 > /proc/irq/1/smp_affinity " + kEvil + "\n");
    file("/etc/sysctl.conf", "net.core.netdev_budget=60000 " + kEvil + "\n");
    file("/sys/fs/cgroup/" + kFile + "/cpuset.cpus.partition", "isolated\n");
    file("/sys/fs/cgroup/" + kFile + "/cpuset.cpus.effective", "2\n");
  }
};

const std::vector<std::vector<std::string>>& commands() {
  static const std::vector<std::vector<std::string>> kCommands{{"show", "all"},
                                                               {"show", "topology"},
                                                               {"show", "vms"},
                                                               {"show", "irqs"},
                                                               {"plan", "--scope", "all"},
                                                               {"diagnose", "-v"},
                                                               {"check"},
                                                               {"explain", "20"},
                                                               {"explain", "31"},
                                                               {"explain", "cpu1"},
                                                               {"explain", "0000:3b:00.0"},
                                                               {"apply", "--dry-run"},
                                                               {"plan", "--vm", "x" + kFile},
                                                               {"history"}};
  return kCommands;
}

void check_shown(const std::string& text) {
  for (std::string_view rest = text; !rest.empty();) {
    const auto line = take_until(rest, '\n');
    INFO(printable(line));
    CHECK(printable(line) == line);
    CHECK_FALSE(line.starts_with("forged"));
  }
}

}  // namespace

TEST_CASE("hostile names: no command prints what a terminal would obey", "[hostile]") {
  const EvilHost host;
  for (auto arguments : commands()) {
    INFO(printable(fmt::format("{}", fmt::join(arguments, " "))));
    const auto text = host.irqtune(arguments);
    check_shown(text.out + text.err);
    arguments.emplace_back("--json");
    const auto json = host.irqtune(arguments);
    check_shown(json.out + json.err);
    CHECK((json.out.empty() || nlohmann::json::accept(json.out)));
  }
}

TEST_CASE("hostile names: what the command line holds is shown too", "[hostile]") {
  const EvilHost host;
  const auto path = host.root().string() + "/none/" + kFile;
  const std::vector<std::vector<std::string>> bad{{"apply", path},
                                                  {"snapshot", "-o", path},
                                                  {"plan", "-o", path},
                                                  {"plan", "--assume-node", kFile + "=1"},
                                                  {"plan", "--format", kFile},
                                                  {"plan", "--lscpu", path},
                                                  {"plan", "--config", path},
                                                  {"plan", "--root", path},
                                                  {"diagnose", "--esx", path},
                                                  {"rollback", kFile},
                                                  {"explain", kFile},
                                                  {kFile}};
  for (const auto& arguments : bad) {
    const auto ran = host.irqtune(arguments);
    CHECK(ran.code != 0);
    CHECK_THAT(ran.err, Catch::StartsWith("irqtune: "));
    check_shown(ran.out + ran.err);
  }
  const auto wrote = host.irqtune({"snapshot", "-o", host.root().string() + "/a " + kEvil});
  CHECK(wrote.code == 0);
  check_shown(wrote.out + wrote.err);
}

TEST_CASE("hostile names: a document keeps them", "[hostile]") {
  const EvilHost host;
  const auto json = nlohmann::json::parse(host.irqtune({"show", "irqs", "--json"}).out);
  CHECK(json["irqs"][0]["actions"][0] ==
        "\x1b[2J\xc2\x9b"
        "2J\xe2\x80\xae\xef\xbf\xbd'\"$(touch evil)`touch evil`;touch evil");
}

TEST_CASE("hostile names: a plan's script runs nothing of them", "[hostile]") {
  const EvilHost host;
  const auto script = host.irqtune({"plan", "--format", "script"}).out;
  check_shown(script);
  CHECK_THAT(script, Catch::Contains("put 30 "));
  CHECK_THAT(script, Catch::Contains("put 31 "));
  const auto file = host.root() / "script.sh";
  const FakeTree there{{"/script.sh", script}};
  // With nothing at hand that the script itself uses, what is left would be a name that runs.
  const auto command =
      fmt::format("cd {0} && sh -c 'cat() {{ :; }}; . ./script.sh' >out 2>&1; test ! -e evil",
                  there.root().string());
  // NOLINTNEXTLINE(concurrency-mt-unsafe,cert-env33-c): a script is for a shell
  CHECK(std::system(command.c_str()) == 0);
}

}  // namespace irqtune::test
