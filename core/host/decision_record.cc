#include "host/decision_record.h"

#include <cstdint>
#include <utility>

#include "store/encoding.h"

namespace deferd {
namespace {

using store::put_text;
using store::put_u16;
using store::put_u64;
using store::put_u8;
using store::Reader;

constexpr std::uint8_t kLayout = 1;
constexpr std::size_t kUsualSize = 320;

template <class Number>
void put_enum(std::string& out, Number value) {
  put_u8(out, static_cast<std::uint8_t>(value));
}

template <class Number>
Number take_enum(Reader& reader, Number last, bool& good) {
  const auto value = reader.u8();
  good = good && value <= static_cast<std::uint8_t>(last);
  return static_cast<Number>(value);
}

void put_duration(std::string& out, Duration duration) { put_u64(out, static_cast<std::uint64_t>(duration.count())); }
Duration take_duration(Reader& reader) { return Duration(static_cast<std::int64_t>(reader.u64())); }

void put_answer(std::string& out, const Answer& answer) {
  put_text(out, answer.plugin);
  put_enum(out, answer.stage);
  put_enum(out, answer.verdict.action);
  put_text(out, answer.verdict.reason);
  put_u16(out, static_cast<std::uint16_t>(answer.verdict.tags.size()));
  for (const auto& tag : answer.verdict.tags) put_text(out, tag);
  put_duration(out, answer.verdict.due.time_since_epoch());
  put_duration(out, answer.verdict.waited);
  put_u8(out, answer.shadow ? 1 : 0);
  put_text(out, answer.fault);
}

Answer take_answer(Reader& reader, bool& good) {
  Answer answer;
  answer.plugin = reader.text();
  answer.stage = take_enum(reader, Stage::headers, good);
  answer.verdict.action = take_enum(reader, Action::close, good);
  answer.verdict.reason = reader.text();
  for (auto left = reader.u16(); left > 0 && reader.ok(); --left) answer.verdict.tags.emplace_back(reader.text());
  answer.verdict.due = Time(take_duration(reader));
  answer.verdict.waited = take_duration(reader);
  answer.shadow = take_enum(reader, std::uint8_t{1}, good) != 0;
  answer.fault = reader.text();
  return answer;
}

}  // namespace

std::string pack_decision(const Decision& decision, const Session& session) {
  std::string out;
  out.reserve(kUsualSize);
  put_u8(out, kLayout);
  put_enum(out, decision.stage);
  store::put_prefix(out, Prefix(session.client));
  for (const auto* text : {&session.client_name, &session.auth, &session.helo, &session.mail_from, &decision.rcpt})
    put_text(out, *text);
  const auto& verdict = decision.verdict;
  put_enum(out, verdict.action);
  put_text(out, decision.plugin);
  put_text(out, verdict.reason);
  put_u16(out, static_cast<std::uint16_t>(verdict.reply.code));
  put_text(out, verdict.reply.enhanced);
  put_text(out, verdict.reply.text);
  put_duration(out, verdict.due.time_since_epoch());
  put_duration(out, decision.waited);
  for (const auto& answer : decision.trace) put_answer(out, answer);
  return out;
}

Result<PastDecision> unpack_decision(std::string_view packed) {
  Reader reader(packed);
  PastDecision past;
  auto& [decision, session] = past;
  bool good = reader.u8() == kLayout;
  decision.stage = take_enum(reader, Stage::headers, good);
  const auto host = reader.prefix();
  session.client = host.address();
  good = good && host.length() == session.client.bits();
  for (auto* text : {&session.client_name, &session.auth, &session.helo, &session.mail_from, &decision.rcpt})
    *text = reader.text();
  auto& verdict = decision.verdict;
  verdict.action = take_enum(reader, Action::close, good);
  decision.plugin = reader.text();
  verdict.reason = reader.text();
  verdict.reply.code = reader.u16();
  verdict.reply.enhanced = reader.text();
  verdict.reply.text = reader.text();
  verdict.due = Time(take_duration(reader));
  decision.waited = take_duration(reader);
  while (good && reader.ok() && !reader.rest().empty()) decision.trace.push_back(take_answer(reader, good));
  if (!good || !reader.ok()) return fail(Errc::corrupt, "not the record of a decision, or one that a later deferd has written");
  return past;
}

}  // namespace deferd
