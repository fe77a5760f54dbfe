// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include "apply/journal/journal.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <cstdint>
#include <limits>

namespace irqtune {

namespace {

using Json = nlohmann::json;

constexpr std::string_view kSchema = "irqtune.journal/1";
constexpr std::string_view kSchemaName = "irqtune.journal/";

/// One line. The parser itself does not limit the depth.
Json parse_line(std::string_view line) {
  constexpr std::size_t kMaxDepth = 8;
  return json_extent(line).depth > kMaxDepth ? Json(Json::value_t::discarded)
                                             : Json::parse(line, nullptr, false);
}

/// The member as text; empty optional if it is anything else.
std::optional<std::string> text_of(const Json& record, const char* key) {
  const auto found = record.find(key);
  return found != record.end() && found->is_string() ? std::optional(found->get<std::string>())
                                                     : std::nullopt;
}

template <std::integral Number>
std::optional<Number> number_of(const Json& record, const char* key) {
  const auto found = record.find(key);
  if (found == record.end() || !found->is_number_unsigned() ||
      found->get<std::uint64_t>() > std::numeric_limits<Number>::max()) {
    return std::nullopt;
  }
  return static_cast<Number>(found->get<std::uint64_t>());
}

std::optional<PciAddress> address_of(const Json& record, const char* key) {
  return PciAddress::parse(text_of(record, key).value_or(""));
}

std::optional<VectorId> vector_of(const Json& record) {
  const auto device = address_of(record, "device");
  const auto kind = parse_kind(text_of(record, "kind").value_or(""));
  const auto index = number_of<std::uint16_t>(record, "index");
  return device && kind && index ? std::optional(VectorId{*device, *kind, *index}) : std::nullopt;
}

/// False if the members make no sense.
bool read_identity(const Json& record, Identity& identity) {
  const auto irq = number_of<std::uint32_t>(record, "irq");
  const auto vector = record.find("vector");
  if (!irq || vector == record.end()) {
    return false;
  }
  identity.irq = IrqNumber{*irq};
  if (vector->is_object()) {
    identity.vector = vector_of(*vector);
  }
  identity.device = address_of(record, "device");
  identity.generation = number_of<std::uint64_t>(record, "generation");
  const auto actions = record.find("actions");
  for (const auto& action : actions != record.end() && actions->is_array() ? *actions : Json()) {
    if (action.is_string()) {
      identity.actions.push_back(action.get<std::string>());
    }
  }
  return identity.vector || (vector->is_null() && !identity.actions.empty());
}

std::optional<Write> write_of(const Json& record) {
  Write write;
  const auto before = text_of(record, "before");
  const auto after = CpuSet::parse_list(text_of(record, "after").value_or(""));
  const auto irq = record.find("irq");
  if (!before || !after || after->empty() || irq == record.end()) {
    return std::nullopt;
  }
  if (!irq->is_null() && !read_identity(record, write.identity.emplace())) {
    return std::nullopt;
  }
  write.before = *before;
  write.after = *after;
  write.vm = text_of(record, "vm").value_or("");
  return write;
}

bool read_intent(const Json& record, JournalText& journal) {
  const auto number = number_of<std::size_t>(record, "write");
  auto write = write_of(record);
  if (!number || !write) {
    return false;
  }
  const auto next = journal.writes.size();
  const auto [place, is_new] = journal.writes.try_emplace(*number);
  place->second.write = *std::move(write);
  place->second.undone = false;  // A watch sets the mask again that it had put back.
  place->second.vanished = false;
  if (is_new && *number != next && journal.problem.empty()) {
    journal.problem = fmt::format("write {} is missing before write {}", next, *number);
  }
  return true;
}

void read_pending(const Json& record, JournalWrite& write) {
  const auto counted = number_of<std::uint64_t>(record, "counted");
  const auto on = CpuSet::parse_list(text_of(record, "effective").value_or(""));
  const bool known = write.state == WriteState::pending && counted && on && on->size() == 1;
  write.pending_on = known ? on->first() : std::nullopt;
  write.counted = counted.value_or(0);
}

/// "written", "outcome" and "undone", which speak of one write.
bool read_result(const Json& record, std::string_view event, JournalText& journal) {
  const auto number = number_of<std::size_t>(record, "write");
  const auto found = number ? journal.writes.find(*number) : journal.writes.end();
  if (found == journal.writes.end()) {
    return false;
  }
  auto& write = found->second;
  const auto state = parse_write_state(text_of(record, "state").value_or(""));
  if (event == "written") {
    write.written = true;
  } else if (event == "undone") {
    write.undone = state && is_success(*state);
    write.vanished = state && is_gone(*state);
  } else {
    write.state = state;
    read_pending(record, write);
  }
  return event == "written" || state;
}

bool read_state(const Json& record, JournalText& journal) {
  const auto text = text_of(record, "state").value_or("");
  for (const auto state :
       {JournalState::committed, JournalState::partial, JournalState::rolled_back}) {
    if (text == journal_state_text(state)) {
      journal.state = state;
      journal.finished = text_of(record, "at").value_or("");
      return true;
    }
  }
  return false;
}

bool read_banned(const Json& record, JournalText& journal) {
  const auto irqs = record.find("irqs");
  if (irqs == record.end() || !irqs->is_array()) {
    return false;
  }
  journal.banned.clear();
  for (const auto& irq : *irqs) {
    if (irq.is_number_unsigned() &&
        irq.get<std::uint64_t>() <= std::numeric_limits<std::uint32_t>::max()) {
      journal.banned.insert(IrqNumber{irq.get<std::uint32_t>()});
    }
  }
  return true;
}

/// False if the line is not what the format knows. Events that it does not know are passed over: a
/// later program may have added them.
bool read_event(const Json& record, JournalText& journal) {
  const auto event = text_of(record, "event").value_or("");
  if (event == "intent") {
    return read_intent(record, journal);
  }
  if (event == "written" || event == "outcome" || event == "undone") {
    return read_result(record, event, journal);
  }
  if (event == "state") {
    return read_state(record, journal);
  }
  if (event == "banned") {
    return read_banned(record, journal);
  }
  journal.stopped = event == "stopped" || (journal.stopped && event == "rollback");
  if (event == "rollback") {  // From here to its state line the journal is open again.
    journal.state = JournalState::open;
    journal.finished.clear();
  }
  return !event.empty();
}

void read_header(const Json& record, JournalText& journal) {
  const auto schema = text_of(record, "schema").value_or("");
  if (schema != kSchema) {
    journal.newer = schema.starts_with(kSchemaName);
    journal.problem = journal.newer
                          ? fmt::format("written in the newer format {}", printable(schema))
                          : std::string("line 1 is not the head of a journal");
    return;
  }
  journal.id = text_of(record, "id").value_or("");
  journal.started = text_of(record, "started").value_or("");
  journal.root = text_of(record, "root").value_or("");
  journal.boot_id = text_of(record, "boot_id");
  journal.user = text_of(record, "user").value_or("");
  journal.plan_digest = text_of(record, "plan_digest").value_or("");
  journal.options = text_of(record, "options").value_or("");
  journal.watch = text_of(record, "kind") == "watch";
}

}  // namespace

JournalText parse_journal(std::string_view text) {
  JournalText journal;
  journal.good_bytes = text.rfind('\n') + 1;  // npos + 1 is 0: no whole line.
  if (journal.good_bytes == 0) {
    journal.problem = "empty";
    return journal;
  }
  journal.head = text.substr(0, text.find('\n') + 1);
  auto rest = text.substr(0, journal.good_bytes);
  for (int number = 1; !rest.empty() && !journal.newer; ++number) {
    const auto record = parse_line(take_until(rest, '\n'));
    const bool object = record.is_object();
    if (number == 1) {
      read_header(object ? record : Json::object(), journal);
    } else if ((!object || !read_event(record, journal)) && journal.problem.empty()) {
      journal.problem = fmt::format("line {} cannot be understood", number);
    }
  }
  return journal;
}

}  // namespace irqtune
