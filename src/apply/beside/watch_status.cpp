// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/watch_status.h"

#include "irqtune/core/text.h"

#include "apply/journal/files.h"
#include "apply/journal/state_dir.h"
#include "sys/rooted.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cerrno>
#include <tuple>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace irqtune {

namespace {

using Json = nlohmann::json;

constexpr auto kFile = "watch.json";
constexpr auto kFresh = ".new-watch.json";  // One watch a state directory: it holds the lock.
constexpr auto kSchema = "irqtune.watch/1";
constexpr mode_t kMode = 0644;

Json vector_json(const VectorId& vector) {
  return {{"device", vector.device.to_string()},
          {"kind", kind_text(vector.kind)},
          {"index", vector.index}};
}

Json outcome_json(const Outcome& outcome) {
  const auto& identity = outcome.write.identity;
  const bool vector = identity && identity->vector;
  Json json;
  json["irq"] = identity ? Json(static_cast<std::uint32_t>(outcome.irq)) : Json(nullptr);
  json["vector"] = vector ? vector_json(*identity->vector) : Json(nullptr);
  json["from"] = outcome.write.before;
  json["to"] = outcome.write.after.to_list();
  json["state"] = write_state_text(outcome.state);
  json["effective"] = outcome.effective ? Json(outcome.effective->to_list()) : Json(nullptr);
  json["error"] = outcome.error;
  json["hint"] = outcome.hint;
  return json;
}

Json answer_json(const WatchAnswer& answer) {
  auto results = Json::array();
  for (const auto& outcome : answer.report.outcomes) {
    results.push_back(outcome_json(outcome));
  }
  return {{"began", answer.began},
          {"error", answer.error},
          {"id", answer.report.id},
          {"state", apply_state_text(answer.report.state)},
          {"results", std::move(results)},
          {"warnings", answer.report.warnings}};
}

std::string status_text(const WatchStatus& status) {
  auto let_go = Json::array();
  for (const auto& vector : status.let_go) {
    let_go.push_back(vector_json(vector));
  }
  const Json json = {{"schema", kSchema},
                     {"pid", status.pid},
                     {"started", status.started},
                     {"root", status.root},
                     {"boot_id", status.boot_id ? Json(*status.boot_id) : Json(nullptr)},
                     {"stop", status.stop},
                     {"journal", status.journal},
                     {"vectors", status.vectors},
                     {"in_place", status.in_place},
                     {"vms", status.vms},
                     {"placed", status.placed},
                     {"let_go", std::move(let_go)},
                     {"last", status.last},
                     {"answer", status.answer ? answer_json(*status.answer) : Json(nullptr)}};
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + '\n';
}

std::string text_at(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::uint64_t number_at(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

/// The member's elements; none if it is no list.
const Json& list_at(const Json& json, const char* key) {
  static const Json kNone = Json::array();
  const auto found = json.find(key);
  return found != json.end() && found->is_array() ? *found : kNone;
}

std::optional<VectorId> vector_of(const Json& json) {
  if (!json.is_object()) {
    return std::nullopt;
  }
  const auto device = PciAddress::parse(text_at(json, "device"));
  const auto kind = parse_kind(text_at(json, "kind"));
  const auto index = static_cast<std::uint16_t>(number_at(json, "index"));
  return device && kind ? std::optional(VectorId{*device, *kind, index}) : std::nullopt;
}

Outcome outcome_of(const Json& json) {
  Outcome outcome;
  outcome.irq = IrqNumber{static_cast<std::uint32_t>(number_at(json, "irq"))};
  const auto vector = json.find("vector");
  if (json.contains("irq") && json["irq"].is_number()) {
    auto& identity = outcome.write.identity.emplace();
    identity.irq = outcome.irq;
    identity.vector = vector != json.end() ? vector_of(*vector) : std::nullopt;
  }
  outcome.write.before = text_at(json, "from");
  outcome.write.after = CpuSet::parse_list(text_at(json, "to")).value_or(CpuSet{});
  outcome.state = parse_write_state(text_at(json, "state")).value_or(WriteState::failed);
  outcome.effective = CpuSet::parse_list(text_at(json, "effective"));
  if (outcome.effective && outcome.effective->empty()) {
    outcome.effective.reset();
  }
  outcome.error = text_at(json, "error");
  outcome.hint = text_at(json, "hint");
  return outcome;
}

WatchAnswer answer_of(const Json& json) {
  WatchAnswer answer;
  answer.began = number_at(json, "began");
  answer.error = text_at(json, "error");
  answer.report.id = text_at(json, "id");
  for (const auto state : {ApplyState::committed, ApplyState::partial}) {
    answer.report.state =
        text_at(json, "state") == apply_state_text(state) ? state : answer.report.state;
  }
  for (const auto& result : list_at(json, "results")) {
    if (result.is_object()) {
      answer.report.outcomes.push_back(outcome_of(result));
    }
  }
  for (const auto& warning : list_at(json, "warnings")) {
    if (warning.is_string()) {
      answer.report.warnings.push_back(warning.get<std::string>());
    }
  }
  return answer;
}

std::optional<WatchStatus> parse_status(const std::string& text) {
  constexpr std::size_t kMaxDepth = 8;
  const auto json = json_extent(text).depth > kMaxDepth ? Json(Json::value_t::discarded)
                                                        : Json::parse(text, nullptr, false);
  if (!json.is_object() || text_at(json, "schema") != kSchema) {
    return std::nullopt;
  }
  WatchStatus status;
  status.pid = static_cast<int>(number_at(json, "pid"));
  status.started = number_at(json, "started");
  status.root = text_at(json, "root");
  const auto boot = text_at(json, "boot_id");
  status.boot_id = boot.empty() ? std::nullopt : std::optional(boot);
  status.stop = text_at(json, "stop");
  status.journal = text_at(json, "journal");
  status.vectors = number_at(json, "vectors");
  status.in_place = number_at(json, "in_place");
  status.vms = number_at(json, "vms");
  status.placed = number_at(json, "placed");
  status.last = text_at(json, "last");
  for (const auto& entry : list_at(json, "let_go")) {
    if (const auto vector = vector_of(entry)) {
      status.let_go.push_back(*vector);
    }
  }
  const auto answer = json.find("answer");
  if (answer != json.end() && answer->is_object()) {
    status.answer = answer_of(*answer);
  }
  return status;
}

/// `dir` is the state directory.
std::optional<WatchStatus> read_status(const Fd& dir) {
  const Fd file(dir.valid()
                    ? ::openat(dir.get(), kFile, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
                    : -1);
  std::string text;
  return file.valid() && !read_ours(file, text) ? parse_status(text) : std::nullopt;
}

std::string root_of(const Session& session) {
  return session.root.empty() ? std::string("/") : session.root;
}

std::error_code put_in_place(const Fd& dir, const std::string& text) {
  ::unlinkat(dir.get(), kFresh, 0);  // Of one that was killed.
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  const Fd file(::openat(dir.get(), kFresh, kFlags, kMode));
  auto error = file.valid() ? write_fully(file.get(), text) : last_error();
  const bool placed = !error && ::fchmod(file.get(), kMode) == 0 &&
                      ::renameat(dir.get(), kFresh, dir.get(), kFile) == 0;
  if (!placed) {
    error = error ? error : last_error();
    ::unlinkat(dir.get(), kFresh, 0);
  }
  return error;
}

/// Beside a tree too it is a process of this machine.
bool runs(const WatchStatus& watch) {
  return watch.pid > 0 && process_started(Sysfs("/"), watch.pid) == watch.started;
}

}  // namespace

std::optional<std::uint64_t> process_started(const Sysfs& sysfs, int pid) {
  const auto text = sysfs.read(fmt::format("/proc/{}/stat", pid));
  const auto name_end = text ? text->rfind(')') : std::string::npos;
  if (name_end == std::string::npos) {
    return std::nullopt;
  }
  constexpr std::size_t kStartTime = 19;  // Field 22; the first behind the name is field 3.
  const auto fields = words(std::string_view(*text).substr(name_end + 1));
  return fields.size() > kStartTime ? parse_number<std::uint64_t>(fields[kStartTime])
                                    : std::nullopt;
}

std::optional<std::string> write_watch_status(const Session& session, const WatchStatus& status) {
  try {
    const auto dir = open_state_dir(session.state_dir, root_of(session), true);
    const auto error = put_in_place(dir, status_text(status));
    return error ? std::optional((session.state_dir / kFile).native() + ": " + error.message())
                 : std::nullopt;
  } catch (const Error& error) {
    return error.what();
  }
}

void remove_watch_status(const Session& session) {
  const auto dir = open_state_dir(session.state_dir, root_of(session), false);
  if (dir.valid()) {
    std::ignore = ::unlinkat(dir.get(), kFile, 0);
  }
}

std::optional<WatchStatus> running_watch(const Session& session) {
  try {
    auto status = read_status(open_state_dir(session.state_dir, root_of(session), false));
    const bool ours = status && status->root == session.root &&
                      (!status->boot_id || !session.boot_id || status->boot_id == session.boot_id);
    return ours && runs(*status) ? std::move(status) : std::nullopt;
  } catch (const Error&) {  // Where nobody may look, there is none to be asked.
    return std::nullopt;
  }
}

Error watch_runs(const WatchStatus& watch, const std::string& what) {
  return {ErrorKind::busy,
          fmt::format("{}: irqtune watch (PID {}) keeps the masks in place", what, watch.pid),
          fmt::format("stop it first: {}", watch.stop)};
}

}  // namespace irqtune
