// SPDX-License-Identifier: Apache-2.0
#include "apply/journal/journal.h"

#include "irqtune/core/error.h"
#include "irqtune/core/text.h"
#include "irqtune/sys/utc.h"

#include "apply/journal/files.h"
#include "apply/journal/state_dir.h"
#include "sys/output_file.h"
#include "sys/rooted.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <tuple>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace irqtune {

namespace {

using Json = nlohmann::ordered_json;

constexpr mode_t kJournalMode = 0644;
constexpr std::string_view kSuffix = ".jsonl";
constexpr std::string_view kLeftover = ".new-";

std::string line(const Json& record) {
  return record.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

Json optional_text(const std::optional<std::string>& text) {
  return text ? Json(*text) : Json(nullptr);
}

std::string header_line(const std::string& id, const Session& session) {
  return line({{"schema", "irqtune.journal/1"},
               {"id", id},
               {"started", utc_now()},
               {"root", session.root},
               {"boot_id", optional_text(session.boot_id)},
               {"user", session.user},
               {"plan_digest", session.plan_digest},
               {"options", session.options},
               {"kind", session.watch ? "watch" : "apply"},
               {"pid", ::getpid()}});
}

std::string intent_line(std::size_t number, const Write& write) {
  Json record = {{"event", "intent"}, {"write", number}};
  record["irq"] = nullptr;
  if (write.identity) {
    const auto& identity = *write.identity;
    record["irq"] = static_cast<std::uint32_t>(identity.irq);
    record["vector"] = nullptr;
    if (identity.vector) {
      record["vector"] = {{"device", identity.vector->device.to_string()},
                          {"kind", kind_text(identity.vector->kind)},
                          {"index", identity.vector->index}};
    }
    record["device"] = identity.device ? Json(identity.device->to_string()) : Json(nullptr);
    record["actions"] = identity.actions;
    record["generation"] = identity.generation ? Json(*identity.generation) : Json(nullptr);
  }
  record["before"] = write.before;
  record["after"] = write.after.to_list();
  if (!write.vm.empty()) {
    record["vm"] = write.vm;
  }
  return line(record);
}

std::string outcome_line(std::string_view event, std::size_t number, const Outcome& outcome) {
  Json record = {{"event", event}, {"write", number}, {"state", write_state_text(outcome.state)}};
  record["effective"] = outcome.effective ? Json(outcome.effective->to_list()) : Json(nullptr);
  if (!outcome.error.empty()) {
    record["error"] = outcome.error;
  }
  if (outcome.counted) {
    record["counted"] = *outcome.counted;
  }
  return line(record);
}

std::error_code synced(int fd) {
  return ::fsync(fd) == 0 ? std::error_code{} : last_error();
}

Error journal_error(const std::filesystem::path& path, std::error_code code) {
  return Error::system(ErrorKind::applying,
                       path.native(),
                       "cannot write the journal",
                       code,
                       write_hint(code, "give another --state-dir"));
}

std::string banned_line(const IrqSet& irqs) {
  auto numbers = Json::array();
  for (const auto irq : irqs) {
    numbers.push_back(static_cast<std::uint32_t>(irq));
  }
  return line({{"event", "banned"}, {"irqs", std::move(numbers)}});
}

std::string written_line(std::size_t number) {
  return line({{"event", "written"}, {"write", number}});
}

std::string state_line(JournalState state) {
  return line({{"event", "state"}, {"state", journal_state_text(state)}, {"at", utc_now()}});
}

/// A file that comes into being whole, and is on disk then. `fd` is open for more of it, also where
/// only its name may not survive a loss of power; else it stays as it is.
std::error_code put_in_place(const JournalDir& dir,
                             const std::string& name,
                             const std::string& text,
                             int& fd) {
  const auto temporary = std::string(kLeftover) + name;
  const int at = dir.fd().get();
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_APPEND | O_CLOEXEC;
  Fd fresh(::openat(at, temporary.c_str(), kFlags, 0600));
  if (!fresh.valid()) {
    return last_error();
  }
  auto error = write_fully(fresh.get(), text);
  error = error ? error : synced(fresh.get());
  if (!error && ::fchmod(fresh.get(), kJournalMode) != 0) {
    error = last_error();
  }
  if (!error && ::renameat(at, temporary.c_str(), at, name.c_str()) != 0) {
    error = last_error();
  }
  if (error) {
    ::unlinkat(at, temporary.c_str(), 0);
    return error;
  }
  fd = fresh.release();
  return synced(at);
}

std::string new_id(const JournalDir& dir) {
  unsigned last = 0;
  for (const auto& id : dir.ids()) {
    last = std::max(last, journal_sequence(id).value_or(0));
  }
  std::string time = utc_now();
  std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
  return fmt::format("{}-{:04x}", time, last + 1);
}

}  // namespace

bool same_boot(const JournalText& journal, const Session& session) {
  return !journal.boot_id || !session.boot_id || *journal.boot_id == *session.boot_id;
}

std::optional<unsigned> journal_sequence(std::string_view id) {
  constexpr std::size_t kTimeSize = std::string_view("20260301T123456Z").size();
  const bool shaped = id.size() > kTimeSize + 1 && id[kTimeSize] == '-' &&
                      id.find_first_not_of("0123456789TZ") >= kTimeSize;
  return shaped ? parse_number<unsigned>(id.substr(kTimeSize + 1), 16) : std::nullopt;
}

JournalDir::JournalDir(const Session& session, bool create)
    : path_(session.state_dir / "journal"), fd_([&] {
        const auto& root = session.root.empty() ? std::string("/") : session.root;
        const Fd state = open_state_dir(session.state_dir, root, create);
        opened_up_ = create && open_to_readers(state);
        return state.valid() ? open_private_dir(state, "journal", path_, create) : Fd(-1);
      }()) {
  if (create && (open_to_readers(fd_) || opened_up_)) {
    opened_up_ = true;
    open_files_to_readers();
  }
}

std::vector<std::string> JournalDir::ids() const {
  std::vector<std::string> names;
  if (const auto error = names_of(fd_, names)) {
    throw Error::system(ErrorKind::applying, path_.native(), "cannot list the journals", error);
  }
  std::vector<std::string> ids;
  for (const std::string_view name : names) {
    const auto id = name.substr(0, name.size() - std::min(name.size(), kSuffix.size()));
    if (name.ends_with(kSuffix) && journal_sequence(id)) {
      ids.emplace_back(id);
    }
  }
  std::ranges::sort(ids, [](const auto& a, const auto& b) {
    return std::pair(journal_sequence(a), a) > std::pair(journal_sequence(b), b);
  });
  return ids;
}

std::optional<JournalText> JournalDir::read(std::string_view id) const {
  const auto name = fmt::format("{}{}", id, kSuffix);
  const Fd fd(
      fd_.valid()
          ? ::openat(fd_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
          : -1);
  if (!fd_.valid() || (!fd.valid() && errno == ENOENT)) {
    return std::nullopt;
  }
  std::string text;
  const auto error = fd.valid() ? read_ours(fd, text) : last_error();
  auto journal = error ? JournalText{} : parse_journal(text);
  if (error) {
    journal.problem = error.message();
  }
  journal.id = id;
  return journal;
}

void JournalDir::open_files_to_readers() const {
  for (const auto& id : ids()) {
    const auto name = fmt::format("{}{}", id, kSuffix);
    const Fd fd(::openat(fd_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (fd.valid()) {
      std::ignore = ::fchmod(fd.get(), kJournalMode);
    }
  }
}

void JournalDir::remove_leftovers() const {
  std::vector<std::string> names;
  std::ignore = names_of(fd_, names);  // What is left is in nobody's way.
  for (const auto& name : names) {
    if (name.starts_with(kLeftover)) {
      ::unlinkat(fd_.get(), name.c_str(), 0);
    }
  }
}

void JournalDir::remove(std::string_view id) const {
  if (::unlinkat(fd_.get(), fmt::format("{}{}", id, kSuffix).c_str(), 0) != 0 && errno != ENOENT) {
    throw Error::system(ErrorKind::applying,
                        (path_ / fmt::format("{}{}", id, kSuffix)).native(),
                        "cannot remove the journal",
                        last_error());
  }
}

Journal::Journal(Fd fd, std::filesystem::path path, std::string id, std::string head)
    : fd_(std::move(fd)), path_(std::move(path)), id_(std::move(id)), head_(std::move(head)) {
  const auto end = ::lseek(fd_.get(), 0, SEEK_END);
  size_ = end > 0 ? static_cast<std::size_t>(end) : 0;
}

Journal Journal::create(const JournalDir& dir,
                        const Session& session,
                        const std::vector<Write>& writes) {
  dir.remove_leftovers();
  auto id = new_id(dir);
  const auto name = id + std::string(kSuffix);
  const auto head = header_line(id, session);
  auto text = head;
  for (std::size_t i = 0; i < writes.size(); ++i) {
    text += intent_line(i, writes[i]);
  }
  int fd = -1;
  const auto error = put_in_place(dir, name, text, fd);
  Fd file(fd);
  if (error) {  // Nothing was written to the kernel yet: better no journal than one in doubt.
    ::unlinkat(dir.fd().get(), name.c_str(), 0);
    throw journal_error(dir.path() / name, error);
  }
  return {std::move(file), dir.path() / name, std::move(id), head};
}

Journal Journal::resume(const JournalDir& dir, const JournalText& journal) {
  const auto name = journal.id + std::string(kSuffix);
  Fd fd(::openat(
      dir.fd().get(), name.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_APPEND | O_CLOEXEC));
  if (!fd.valid() || ::ftruncate(fd.get(), static_cast<off_t>(journal.good_bytes)) != 0) {
    throw journal_error(dir.path() / name, last_error());
  }
  return {std::move(fd), dir.path() / name, journal.id, journal.head};
}

void Journal::append(const std::string& lines, bool sync) {
  const auto size = ::lseek(fd_.get(), 0, SEEK_END);
  auto error = size < 0 ? last_error() : write_fully(fd_.get(), lines);
  if (error && size >= 0 && ::ftruncate(fd_.get(), size) != 0) {
    ::close(fd_.release());  // A torn line has to be the last.
  }
  if (!error && sync) {
    error = synced(fd_.get());
  }
  if (error) {
    throw journal_error(path_, error);
  }
  size_ += lines.size();
}

void Journal::intend(std::size_t number, const Write& write) {
  append(intent_line(number, write), true);
}

void Journal::intend(const std::vector<std::pair<std::size_t, Write>>& writes) {
  std::string lines;
  for (const auto& [number, write] : writes) {
    lines += intent_line(number, write);
  }
  append(lines, true);
}

void Journal::stopped() {
  append(line({{"event", "stopped"}, {"at", utc_now()}}), true);
}

void Journal::banned(const IrqSet& irqs) {
  append(banned_line(irqs), true);
}

void Journal::compact(const JournalDir& dir,
                      const std::vector<std::pair<std::size_t, JournalWrite>>& entries,
                      const IrqSet& banned,
                      bool committed) {
  auto text = head_;
  for (const auto& [number, entry] : entries) {
    text += intent_line(number, entry.write);
    text += entry.written ? written_line(number) : "";
    if (entry.undone) {
      text +=
          outcome_line("undone", number, {entry.write, IrqNumber{}, WriteState::ok, {}, {}, {}});
    }
  }
  text += banned.empty() ? "" : banned_line(banned);
  text += committed ? state_line(JournalState::committed) : "";
  dir.remove_leftovers();
  int fd = -1;
  const auto error = put_in_place(dir, path_.filename(), text, fd);
  const Fd fresh(fd);
  if (error && !fresh.valid()) {
    return;
  }
  if (::dup3(fresh.get(), fd_.get(), O_CLOEXEC) < 0) {
    ::close(fd_.release());  // The old file has no name any more.
  }
  size_ = text.size();
}

void Journal::written(std::size_t number) {
  append(written_line(number), false);
}

void Journal::outcome(std::size_t number, const Outcome& outcome) {
  append(outcome_line("outcome", number, outcome), false);
}

void Journal::begin_rollback(const Session& session, bool force) {
  append(line({{"event", "rollback"},
               {"at", utc_now()},
               {"user", session.user},
               {"force", force},
               {"pid", ::getpid()}}),
         true);
}

void Journal::undone(std::size_t number, const Outcome& outcome) {
  append(outcome_line("undone", number, outcome), false);
}

void Journal::finish(JournalState state) {
  append(state_line(state), true);
}

}  // namespace irqtune
