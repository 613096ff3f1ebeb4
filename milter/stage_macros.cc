#include "milter/stage_macros.h"

namespace deferd {

namespace {

// `{i}` is `i`; other names have their braces.
std::string_view bare(std::string_view name) {
  return name.size() == 3 && name.front() == '{' && name.back() == '}' ? name.substr(1, 1) : name;
}

}  // namespace

StageMacros::Stage StageMacros::stage_of(char command) {
  switch (static_cast<MilterCommand>(command)) {
    case MilterCommand::connect:
      return connect;
    case MilterCommand::helo:
      return helo;
    case MilterCommand::mail:
      return mail;
    case MilterCommand::rcpt:
      return rcpt;
    case MilterCommand::data:
    case MilterCommand::header:
    case MilterCommand::end_of_headers:
    case MilterCommand::body:
    case MilterCommand::end:
      return message;
    default:
      return count;
  }
}

void StageMacros::define(std::string_view data) {
  if (data.empty()) return;
  const auto stage = stage_of(data.front());
  if (stage == count) return;
  blocks_[stage].assign(data.substr(1));
  for (std::size_t later = stage + 1; later < count; ++later) blocks_[later].clear();
}

void StageMacros::leave_message() {
  for (std::size_t stage = mail; stage < count; ++stage) blocks_[stage].clear();
}

void StageMacros::leave_client() {
  for (auto& block : blocks_) block.clear();
}

std::string_view StageMacros::get(const char* name) const {
  const auto wanted = bare(name);
  for (auto stage = blocks_.rbegin(); stage != blocks_.rend(); ++stage) {
    std::string_view left(*stage);
    while (!left.empty()) {
      const auto name_end = left.find('\0');
      if (name_end == left.npos) break;
      const auto value_end = left.find('\0', name_end + 1);
      if (value_end == left.npos) break;
      if (bare(left.substr(0, name_end)) == wanted) return left.substr(name_end + 1, value_end - name_end - 1);
      left.remove_prefix(value_end + 1);
    }
  }
  return {};
}

}  // namespace deferd
