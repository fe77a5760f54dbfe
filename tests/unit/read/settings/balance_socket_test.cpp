// SPDX-License-Identifier: Apache-2.0
#include "read/settings/balance_socket.h"

#include "read/settings/meddlers.h"
#include "support/catch.h"
#include "support/hosts/fake_tree.h"

#include <fmt/format.h>

#include <cstring>
#include <string>
#include <thread>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace irqtune {

namespace {

/// A socket in a directory as irqbalance has it, that answers one request.
class FakeBalance {
 public:
  FakeBalance(const test::FakeTree& tree, std::string answer) : directory_(tree.root()) {
    const auto path = fmt::format("{}/irqbalance{}.sock", directory_, ::getpid());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(&address.sun_path, path.data(), path.size());
    fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto* to = reinterpret_cast<const sockaddr*>(&address);
    REQUIRE(::bind(fd_, to, sizeof(address)) == 0);
    REQUIRE(::listen(fd_, 1) == 0);
    server_ = std::thread([this, text = std::move(answer)] { serve(text); });
  }

  FakeBalance(const FakeBalance&) = delete;
  FakeBalance& operator=(const FakeBalance&) = delete;
  FakeBalance(FakeBalance&&) = delete;
  FakeBalance& operator=(FakeBalance&&) = delete;

  ~FakeBalance() {
    ::shutdown(fd_, SHUT_RDWR);  // accept(2) returns then.
    server_.join();
    ::close(fd_);
  }

  [[nodiscard]] const std::string& directory() const { return directory_; }

  [[nodiscard]] const std::string& request() const { return request_; }

 private:
  void serve(const std::string& answer) {
    const int peer = ::accept(fd_, nullptr, nullptr);
    if (peer < 0) {
      return;
    }
    std::string text(64, '\0');
    const auto size = ::recv(peer, text.data(), text.size(), 0);
    text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    request_ = text;
    static_cast<void>(::send(peer, answer.data(), answer.size(), MSG_NOSIGNAL));
    ::close(peer);
  }

  std::string directory_;
  std::string request_;
  int fd_ = -1;
  std::thread server_;
};

constexpr auto kTable =
    "           CPU0       CPU1\n"
    " 24:        5          0  IR-PCI-MSIX-0000:00:02.0  0-edge  eth0\n"
    " 74:        5          0  IR-PCI-MSIX-0000:24:00.0  0-edge  vfio-msix[0](0000:24:00.0)\n"
    " 75:        5          0  IR-PCI-MSIX-0000:24:00.0  1-edge  vfio-msix[1](0000:24:00.0)\n"
    "NMI:        0          0  Non-maskable interrupts\n";

/// irqbalance as this process, with these words.
void add_irqbalance(test::FakeTree& tree, const std::string& option) {
  tree.file("/proc/interrupts", kTable);
  tree.file(fmt::format("/proc/{}/comm", ::getpid()), "irqbalance\n");
  tree.file(fmt::format("/proc/{}/cmdline", ::getpid()),
            std::string("/usr/sbin/irqbalance") + '\0' + option + '\0');
}

}  // namespace

TEST_CASE("irqbalance's socket: what it may move", "[read]") {
  const auto irqs = parse_balance_stats(
      "TYPE 0 NUMBER 0 LOAD 5 SAVE_MODE 0 IRQ 24 LOAD 7 DIFF 0 CLASS 3 IRQ 75 LOAD 0 DIFF 1 CLASS "
      "5 "
      "TYPE 1 NUMBER 1 LOAD 0 SAVE_MODE 0 ");
  CHECK(irqs == std::set<IrqNumber>{IrqNumber{24}, IrqNumber{75}});
  CHECK(parse_balance_stats("TYPE 0 NUMBER 0 LOAD 0 SAVE_MODE 0 ")->empty());
  CHECK_FALSE(parse_balance_stats("").has_value());
  CHECK_FALSE(parse_balance_stats("SLEEP 10 BANNED 00000000").has_value());
}

TEST_CASE("irqbalance's socket: the passed-through rows", "[read]") {
  const test::FakeTree tree{{"/proc/interrupts", kTable}};
  CHECK(passed_through_irqs(tree.sysfs()) == std::set<IrqNumber>{IrqNumber{74}, IrqNumber{75}});
}

TEST_CASE("irqbalance's socket: it counts, not the options", "[read]") {
  const auto [option, answer, undoes] = GENERATE(table<std::string, std::string, bool>({
      {"--foreground", "TYPE 0 NUMBER 0 LOAD 0 SAVE_MODE 0 IRQ 24 LOAD 0 DIFF 0 CLASS 5 ", false},
      {"--foreground", "TYPE 0 NUMBER 0 LOAD 0 SAVE_MODE 0 IRQ 75 LOAD 0 DIFF 0 CLASS 5 ", true},
      {"--banmod=vfio", "TYPE 0 NUMBER 0 LOAD 0 SAVE_MODE 0 IRQ 74 LOAD 0 DIFF 0 CLASS 5 ", true},
      {"--banmod=vfio", "", false},  // It does not answer: what it was told counts.
      {"--foreground", "", true},
  }));
  CAPTURE(option, answer);
  test::FakeTree tree;
  add_irqbalance(tree, option);
  const FakeBalance balance(tree, answer);
  const auto found = read_irqbalance(tree.sysfs(), ::getpid(), {"vfio-pci"}, balance.directory());
  CHECK(balance.request() == "stats");
  CHECK(found.would_undo == undoes);
  CHECK(found.advice.empty() != undoes);
}

TEST_CASE("irqbalance's socket: of another process it is not believed", "[read]") {
  const test::FakeTree tree;
  const FakeBalance balance(tree, "IRQ 24 LOAD 0 DIFF 0 CLASS 5 ");
  CHECK_FALSE(ask_irqbalance(balance.directory(), ::getpid() + 1).has_value());
  std::filesystem::rename(tree.root() / fmt::format("irqbalance{}.sock", ::getpid()),
                          tree.root() / fmt::format("irqbalance{}.sock", ::getppid()));
  CHECK_FALSE(ask_irqbalance(balance.directory(), ::getppid()).has_value());
}

}  // namespace irqtune
