// SPDX-License-Identifier: Apache-2.0
#include "irqtune/top/view.h"

#include "irqtune/core/text.h"

#include <algorithm>

namespace irqtune {

namespace {

/// The last character of UTF-8 text goes, whole.
void erase_last(std::string& text) {
  constexpr unsigned kTail = 0x80;
  constexpr unsigned kTailBits = 0xc0;
  while (!text.empty() && (static_cast<unsigned char>(text.back()) & kTailBits) == kTail) {
    text.pop_back();
  }
  if (!text.empty()) {
    text.pop_back();
  }
}

void type(const KeyPress& key, View& view) {
  constexpr std::size_t kLongest = 256;
  switch (key.kind) {
    case KeyKind::enter:
      view.filter = view.typed;
      view.scroll = 0;
      view.typing = false;
      break;
    case KeyKind::escape:
      view.typing = false;
      break;
    case KeyKind::erase:
      erase_last(view.typed);
      break;
    case KeyKind::character:
      if (view.typed.size() < kLongest) {
        view.typed += key.character;
      }
      break;
    default:
      break;
  }
}

void sort_by(SortKey key, View& view) {
  view.sort = key;
  view.scroll = 0;
}

/// From one to the next: both, the map, the vectors.
void turn(View& view) {
  view.pane = view.pane == Pane::both  ? Pane::map
              : view.pane == Pane::map ? Pane::vectors
                                       : Pane::both;
  view.scroll = 0;
}

void obey(char character, View& view) {
  switch (character) {
    case 'r':
      return sort_by(SortKey::rate, view);
    case 'v':
      return sort_by(SortKey::vm, view);
    case 'c':
      return sort_by(SortKey::cpu, view);
    case 'i':
      return sort_by(SortKey::irq, view);
    case 'm':
      return turn(view);
    case '/':
      view.typing = true;
      view.typed.clear();
      return;
    case ' ':
    case 'f':
      view.frozen = !view.frozen;
      return;
    case 'a':
      view.host_irqs = !view.host_irqs;
      view.scroll = 0;
      return;
    case 't':
      view.fixed = !view.fixed;
      return;
    case 'h':
    case '?':
      view.help = true;
      return;
    default:
      return;
  }
}

}  // namespace

std::string_view sort_text(SortKey key) noexcept {
  switch (key) {
    case SortKey::rate:
      return "rate";
    case SortKey::vm:
      return "VM";
    case SortKey::cpu:
      return "CPU";
    case SortKey::irq:
      return "IRQ";
  }
  return "";
}

bool press(const KeyPress& key, View& view) {
  if (view.typing) {
    type(key, view);
    return true;
  }
  if (view.help) {
    view.help = false;
    return true;
  }
  switch (key.kind) {
    case KeyKind::up:
      view.scroll -= std::min<std::size_t>(view.scroll, 1);
      break;
    case KeyKind::down:
      ++view.scroll;
      break;
    case KeyKind::page_up:
      view.scroll -= std::min(view.scroll, view.page);
      break;
    case KeyKind::page_down:
      view.scroll += view.page;
      break;
    case KeyKind::character:
      if (key.character == 'q') {
        return false;
      }
      obey(key.character, view);
      break;
    default:
      break;
  }
  return true;
}

bool shows_vm(const View& view, std::string_view vm) {
  return view.filter.empty() || vm.find(view.filter) != std::string_view::npos ||
         matches_glob(view.filter, vm);
}

}  // namespace irqtune
