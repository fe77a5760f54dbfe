// SPDX-License-Identifier: Apache-2.0
#include "support/hosts/captured_host.h"

#include "irqtune/cli/cli.h"
#include "irqtune/sys/tree_image.h"

#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <stdexcept>

namespace irqtune::test {

namespace {

namespace fs = std::filesystem;

/// What irqtune never looks at; a good part of all files.
bool is_of_no_use(const std::string& name) {
  static const std::set<std::string> kNames{
      "affinity_hint", "effective_affinity", "fdinfo", "per_cpu_count", "spurious", "wakeup"};
  return kNames.contains(name);
}

void unpack(const TreeImage::Entry& entry, const fs::path& path) {
  switch (entry.kind) {
    case TreeImage::Kind::directory:
      fs::create_directories(path);
      for (const auto& [name, child] : entry.children) {
        if (!is_of_no_use(name)) {
          unpack(*child, path / name);
        }
      }
      return;
    case TreeImage::Kind::symlink:
      fs::create_symlink(entry.text, path);
      return;
    case TreeImage::Kind::file:
      break;
  }
  std::ofstream(path, std::ios::binary) << entry.text;
  fs::permissions(path, static_cast<fs::perms>(entry.mode) | fs::perms::owner_read);
}

}  // namespace

const std::vector<std::string>& captures() {
  static const std::vector<std::string> kNames{
      "baseline", "igb-sriov", "l2-kvm", "libvirt-kvm", "two-vms", "two-vms-6.12"};
  return kNames;
}

const std::vector<std::string>& captures_with_vms() {
  static const std::vector<std::string> kNames(captures().begin() + 1, captures().end());
  return kNames;
}

fs::path source_dir() {
  return IRQTUNE_SOURCE_DIR;
}

fs::path capture_file(const std::string& name) {
  return source_dir() / "tests/hosts" / (name + ".tar.gz");
}

CapturedHost::CapturedHost(const std::string& name) {
  const auto image = TreeImage::load(capture_file(name));
  std::error_code error;
  const auto* top = image->find("/", true, error);
  if (top == nullptr) {
    throw std::runtime_error(name + ": " + error.message());
  }
  unpack(*top, root());
}

std::map<std::string, std::string> CapturedHost::contents(const std::string& left_out) const {
  std::map<std::string, std::string> all;
  for (auto at = fs::recursive_directory_iterator(root()); at != fs::end(at); ++at) {
    const auto path = at->path().lexically_relative(root()).string();
    if (path == left_out) {
      at.disable_recursion_pending();
      continue;
    }
    const auto mode = static_cast<unsigned>(at->symlink_status().permissions());
    const auto what = at->is_symlink()     ? fs::read_symlink(at->path()).string()
                      : at->is_directory() ? std::string("directory")
                                           : text('/' + path);
    all[path] = fmt::format("{:o} {}", mode, what);
  }
  // The lock of every write stays behind, and the directory that was made for it.
  all.erase("run/irqtune.lock");
  const auto run = all.find("run");
  if (run != all.end() &&
      (std::next(run) == all.end() || !std::next(run)->first.starts_with("run/"))) {
    all.erase(run);
  }
  return all;
}

Ran run(const std::vector<std::string>& arguments) {
  std::vector<const char*> argv{"irqtune"};
  for (const auto& argument : arguments) {
    argv.push_back(argument.c_str());
  }
  std::ostringstream out;
  std::ostringstream err;
  const auto code = run_cli(static_cast<int>(argv.size()), argv.data(), out, err);
  return {static_cast<int>(code), out.str(), err.str()};
}

}  // namespace irqtune::test
