// SPDX-License-Identifier: Apache-2.0
// What a finding says to do is done, word for word, as far as a tree can do it; then it is gone.
#include "irqtune/core/kernel_parameters.h"
#include "irqtune/core/text.h"
#include "irqtune/diagnose/ids.h"

#include "support/catch.h"
#include "support/hosts/hurt_hosts.h"
#include "support/run_on.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace irqtune::test {

namespace {

using Json = nlohmann::json;

/// What only hardware, guests, people, or a kernel that runs can do.
const std::set<std::string_view> kBeyondTrees = {
    "irq-shared-passthrough",  // unbind, slots
    "irq-shared-guests",       // the guest's driver
    "irq-shared-host",         // the device's driver
    "irq-intx-passthrough",    // the guest's driver
    "irq-spurious",            // a driver
    "esx-irq-shared",          // another system
    "esx-console-busy",        // another system
    "irq-posted",              // nothing to do
    "irq-storm",               // firmware
    "cpu-irq-busy",            // a tree's load stays
    "effective-outside-mask",  // a kernel's answer
    "vector-budget",           // ethtool
    "no-housekeeping-cpu",     // fewer vCPUs
    "device-node-unknown",     // an option, see below
    "vm-remote-device",        // another node
    "vm-unpinned",             // where to is the owner's choice
    "vcpus-share-a-cpu",       // where to is the owner's choice
    "vcpu-pin-absent",         // where to is the owner's choice
    "crio-irq-affinity",       // the pods' annotations
    "irq-affinity-script",     // a script of the owner's
    "intremap-off",            // firmware
    "time-squeeze",            // a tree's counters stay
    "folklore-numa-aware",     // "take it out of there"
    "folklore-ethtool-hkey",   // the owner's choice
};

/// The programs that remedies run, as a shell's functions that do to the tree what they do to a
/// host.
constexpr auto kPrograms = R"(
taskset() {
  for f in "$ROOT"/proc/*/task/$3/status "$ROOT"/proc/$3/status; do
    if [ -e "$f" ]; then sed -i "s/^\(Cpus_allowed_list:[[:space:]]*\).*/\1$2/" "$f"; fi
  done
}
sysctl() {
  shift
  for pair; do
    path=$(printf %s "${pair%%=*}" | tr . /)
    echo "${pair#*=}" > "$ROOT/proc/sys/$path"
  done
}
grubby() {
  for option; do
    case $option in
      --args=*) add=${option#--args=} ;;
      --remove-args=*) drop=${option#--remove-args=} ;;
    esac
  done
  line=
  for token in $(cat "$ROOT/proc/cmdline"); do
    keep=$token
    for other in $add; do
      if [ "${other%%=*}" = "${token%%=*}" ]; then keep=; fi
    done
    if [ "$token" = "$drop" ]; then keep=; fi
    line="$line $keep"
  done
  echo $line $add > "$ROOT/proc/cmdline"
}
)";

/// Carries out the steps of a remedy on a tree.
class Hands {
 public:
  Hands(KvmTree& tree, std::vector<std::string> evidence)
      : tree_(tree), evidence_(std::move(evidence)) {}

  void carry_out(const std::vector<std::string>& steps) {
    for (const auto& step : steps) {
      one(step);
    }
    put_lines();
  }

 private:
  static bool is_shell(std::string_view step) {
    constexpr std::array<std::string_view, 8> kCommands = {
        "for", "echo", "cp", "sysctl", "taskset", "grubby", "mkdir", "m="};
    const auto parts = words(step);
    const bool loop = parts.front() != "for" || (parts.size() > 2 && parts[2] == "in");
    return loop && std::ranges::find(kCommands, parts.front()) != kCommands.end();
  }

  void one(const std::string& step) {
    if (step.find("in /etc/") != std::string::npos) {
      put_lines();
      open(step);
    } else if (step.starts_with("irqtune --root " + tree_.root().string() + " apply")) {
      apply(step);
    } else if (is_shell(step)) {
      run_shell(step);
    } else if (step.starts_with("systemctl restart irqbalance")) {
      put_lines();
      restart_balance();
    } else if (step.starts_with("tuned-adm profile ")) {
      tree_.file("/etc/tuned/active_profile", step.substr(step.rfind(' ') + 1) + "\n");
    } else if (step.starts_with("and reboot")) {
      reboot();
    } else if (step.starts_with("remove the lines named above")) {
      remove_lines();
    } else if (step.find("before 1.8") != std::string::npos) {
      put_lines();  // What follows is for an older one.
      file_.clear();
    } else if (!file_.empty() && is_setting(step)) {
      lines_.push_back(step);
    }
  }

  static bool is_setting(std::string_view step) {
    const auto blank = step.find(' ');
    return step.starts_with('[') || step.substr(0, blank).find('=') != std::string_view::npos ||
           step.find(" = ") != std::string_view::npos;
  }

  void open(const std::string& step) {
    const auto at = step.rfind("in /etc/") + 3;
    file_ = step.substr(at, step.find_first_of(":, ", at) - at);
  }

  /// Settings take the place of those of their name, at the end of the file where there is none.
  void put_lines() {
    if (file_.empty() || lines_.empty()) {
      return;
    }
    const bool there = std::filesystem::exists(tree_.root() / file_.substr(1));
    std::string text = there ? tree_.text(file_) : std::string();
    for (const auto& line : lines_) {
      std::string kept;
      const auto key = line.substr(0, line.find_first_of(" ="));
      for (const auto old : split(trimmed(text), '\n')) {
        const bool same = !line.starts_with('[') && old.substr(0, old.find_first_of(" =")) == key;
        kept += same || old.empty() ? "" : fmt::format("{}\n", old);
      }
      text = kept + line + "\n";
    }
    tree_.file(file_, text);
    lines_.clear();
  }

  void apply(const std::string& step) {
    Arguments arguments;
    for (const auto word : words(step)) {
      arguments.emplace_back(word);
    }
    arguments.erase(arguments.begin());
    const auto ran = run(arguments);
    CAPTURE(ran.out, ran.err);
    CHECK(ran.code == 0);
  }

  /// "/etc/sysctl.d/90-tuning.conf:1: net.core.netdev_budget = 60000"
  void remove_lines() const {
    for (const auto& seen : evidence_) {
      std::string_view rest = seen;
      const auto file = take_until(rest, ':');
      const auto number = parse_number<std::size_t>(take_until(rest, ':'));
      if (!number) {
        continue;
      }
      const auto text = tree_.text(file);
      std::string kept;
      std::size_t at = 0;
      for (const auto line : split(trimmed(text), '\n')) {
        kept += ++at == *number ? "" : fmt::format("{}\n", line);
      }
      tree_.file(file, kept);
    }
  }

  /// The host's paths are the tree's.
  void run_shell(const std::string& step) const {
    const auto root = tree_.root().string();
    auto command = step;
    for (const std::string_view top : {"/sys/", "/proc/", "/etc/", "/usr/"}) {
      for (auto at = command.find(top); at != std::string::npos; at = command.find(top, at)) {
        const bool begins = at == 0 || command[at - 1] == ' ';
        command.insert(at, begins ? root : "");
        at += top.size() + (begins ? root.size() : 0);
      }
    }
    tree_.file("/remedy.sh", fmt::format("ROOT='{}'\n{}\n{}\n", root, kPrograms, command));
    // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread, and a shell is what a remedy is for
    CHECK(std::system(
              fmt::format("mkdir -p {0}/etc/systemd/network; sh {0}/remedy.sh", root).c_str()) ==
          0);
  }

  /// It reads its options again.
  void restart_balance() {
    constexpr std::string_view kName = "IRQBALANCE_ARGS=\"";
    std::string words = "/usr/sbin/irqbalance --foreground";
    const auto text = tree_.text("/etc/default/irqbalance");
    for (const auto line : split(text, '\n')) {
      words += line.starts_with(kName)
                   ? fmt::format(" {}", line.substr(kName.size(), line.rfind('"') - kName.size()))
                   : std::string();
    }
    if (tree_.text("/proc/812/cmdline").find("banmod") != std::string::npos) {
      return;  // By its unit.
    }
    std::ranges::replace(words, ' ', '\0');
    tree_.file("/proc/812/cmdline", words + '\0');
  }

  /// What the kernel makes of its command line.
  void reboot() {
    const auto parameters = parse_kernel_parameters(tree_.text("/proc/cmdline"));
    const auto cpus = cpu_parameters(parameters, 15);
    const auto isolated = cpus.domain.value_or(CpuSet{});
    tree_.file("/sys/devices/system/cpu/isolated", isolated.to_list() + "\n");
    if (cpus.irqaffinity) {
      tree_.file("/proc/irq/default_smp_affinity", cpus.irqaffinity->to_mask() + "\n");
    }
  }

  KvmTree& tree_;
  std::vector<std::string> evidence_;
  std::string file_;
  std::vector<std::string> lines_;
};

/// The finding of this id, null if there is none.
Json finding_of(const KvmTree& tree, std::string_view id) {
  const auto document = Json::parse(on(tree, {"diagnose", "--json"}).out);
  for (const auto& finding : document["findings"]) {
    if (finding["id"] == id) {
      return finding;
    }
  }
  return {};
}

/// True of a finding of which nothing is left that could be done again.
bool is_done(const Json& before, const Json& after) {
  return after.is_null() || std::ranges::none_of(after["remedy"], [&](const Json& step) {
           return step == before["remedy"][0];
         });
}

}  // namespace

TEST_CASE("remedies: carried out word for word, the finding is gone", "[cli][findings][remedies]") {
  for (const auto& [id, hurt] : hurt_hosts()) {
    if (kBeyondTrees.contains(id)) {
      continue;
    }
    KvmTree tree;
    hurt(tree);
    tree.write();
    const auto before = finding_of(tree, id);
    INFO(before.dump(2));
    REQUIRE(before.is_object());
    Hands(tree, before["evidence"]).carry_out(before["remedy"]);
    const auto after = finding_of(tree, id);
    CAPTURE(after.dump(2));
    CHECK(is_done(before, after));
  }
}

TEST_CASE("remedies: what no tree can carry out is listed, and is a finding",
          "[findings][remedies]") {
  for (const auto id : kBeyondTrees) {
    CAPTURE(id);
    CHECK(std::ranges::find(kFindingIds, id) != kFindingIds.end());
  }
}

TEST_CASE("remedies: a node that is told is none that is missing", "[cli][findings][remedies]") {
  KvmTree tree;
  tree.file("/sys/devices/pci0000:00/0000:3b:00.0/numa_node", "-1\n");
  tree.write();
  const auto finding = finding_of(tree, "device-node-unknown");
  REQUIRE(finding["remedy"][0] ==
          "irqtune --root " + tree.root().string() + " plan --assume-node 0000:3b:00.0=0");
  const auto told = on(tree, {"diagnose", "--json", "--assume-node", "0000:3b:00.0=0"});
  CHECK(told.out.find("device-node-unknown") == std::string::npos);
}

}  // namespace irqtune::test
