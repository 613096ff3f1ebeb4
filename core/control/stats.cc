#include "control/stats.h"

#include <cstdint>
#include <optional>
#include <string>

#include "deferd/schema.h"

namespace deferd {
namespace {

constexpr std::string_view kDecisions = "deferd_decisions_total";

struct Sample {
  std::string_view name, labels;
  std::int64_t value = 0;
};

/// Nullopt: a comment, or no number.
std::optional<Sample> parse_sample(std::string_view line) {
  const auto blank = line.rfind(' ');
  if (line.empty() || line.front() == '#' || blank == std::string_view::npos) return std::nullopt;
  const auto value = Codec<double>::parse(line.substr(blank + 1));
  if (!value) return std::nullopt;
  Sample sample;
  sample.value = static_cast<std::int64_t>(*value);
  const std::string_view series = line.substr(0, blank);
  const auto brace = series.find('{');
  sample.name = series.substr(0, brace);
  if (brace != std::string_view::npos) sample.labels = series.substr(brace);
  return sample;
}

std::string_view label(std::string_view labels, std::string_view name) {
  const std::string start = std::string(name) + "=\"";
  const auto found = labels.find(start);
  if (found == std::string_view::npos) return {};
  labels.remove_prefix(found + start.size());
  return labels.substr(0, labels.find('"'));
}

void add(Value& map, std::string_view key, std::int64_t amount) {
  const Value* old = map.find(key);
  map.set(key, (old != nullptr ? old->integer() : 0) + amount);
}

}  // namespace

Value stats_value(std::string_view exposition) {
  Value decisions = Value::map();
  Value counters = Value::map();
  while (!exposition.empty()) {
    const auto end = exposition.find('\n');
    const auto sample = parse_sample(exposition.substr(0, end));
    exposition = end == std::string_view::npos ? std::string_view{} : exposition.substr(end + 1);
    if (!sample || !sample->name.ends_with("_total")) continue;
    add(counters, sample->name, sample->value);
    if (sample->name == kDecisions && label(sample->labels, "stage") == "rcpt")
      add(decisions, label(sample->labels, "action"), sample->value);
  }
  Value stats = Value::map();
  stats.set("decisions", std::move(decisions));
  stats.set("counters", std::move(counters));
  return stats;
}

}  // namespace deferd
