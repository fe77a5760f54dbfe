// SPDX-License-Identifier: Apache-2.0
// Snapshot files: any bytes, unpacked within limits, every entry found again by its path.
#include "irqtune/core/error.h"
#include "irqtune/sys/tree_image.h"

#include "fuzz/fuzz.h"

namespace {

using irqtune::TreeImage;
using irqtune::fuzz::require;

constexpr irqtune::ImageLimits kLimits{1000, 1 << 20, 1 << 19};

void walk(const TreeImage& image, const std::string& directory, int depth) {
  std::error_code error;
  for (const auto& name : image.list(directory, error)) {
    const auto path = directory + "/" + name;
    const auto* entry = image.find(path, false, error);
    require(entry != nullptr && entry->name == name, "what is listed is there", path);
    const auto resolved = image.resolve(path);
    require(!resolved || image.resolve(*resolved) == resolved, "a path without links stays", path);
    if (entry->kind == TreeImage::Kind::directory && depth < 64) {
      walk(image, path, depth + 1);
    }
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const irqtune::fuzz::MemoryFile file(irqtune::fuzz::text_of(data, size));
  try {
    walk(*TreeImage::load(file.path(), kLimits), "", 0);
  } catch (const irqtune::Error& error) {
    require(error.kind() == irqtune::ErrorKind::usage, "a bad archive is bad usage", error.what());
    require(irqtune::fuzz::is_plain(error.what()), "an error can be shown", error.what());
  }
  return 0;
}
