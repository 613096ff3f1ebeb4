#include "pfbridge/split_rows.h"

#include <algorithm>

#include "pfbridge/prefixes.h"

namespace deferd::pfbridge {

std::optional<Time> SplitRows::find(const Prefix& prefix) const {
  std::optional<Time> own, latest;
  bool around = false;  // by a row that is wider
  rows_.each_around(prefix, [&](const Prefix& row, Time time) {
    latest = std::max(latest.value_or(Time::min()), time);
    if (row == prefix)
      own = time;
    else
      around = true;
  });
  if (!latest || barred_.any(prefix)) return std::nullopt;
  return around && barred_.any(parent_of(prefix)) ? latest : own;
}

template <class Use>
void SplitRows::each_piece(const Prefix& prefix, const Use& use) const {
  if (!barred_.any(prefix)) return use(prefix);
  if (prefix.is_host() || barred_.all(prefix)) return;
  for (const bool upper : {false, true})
    if (const auto half = half_of(prefix, upper)) each_piece(*half, use);
}

std::vector<Prefix> SplitRows::pieces(const Prefix& prefix) const {
  std::vector<Prefix> all;
  each_piece(prefix, [&](const Prefix& piece) { all.push_back(piece); });
  return all;
}

void SplitRows::each(const std::function<void(const Prefix&)>& use) const {
  for (const auto& row : rows_)
    each_piece(row.first, [&](const Prefix& piece) {
      const Prefix* narrowest = nullptr;  // who of several rows has it
      rows_.each_around(piece, [&](const Prefix& around, Time) { narrowest = &around; });
      if (narrowest && *narrowest == row.first) use(piece);
    });
}

void SplitRows::append_touched(const Prefix& place, std::vector<Prefix>& entries) const {
  bool splits = false;
  rows_.each_within(place, [&](const Prefix& row, Time) {
    entries.push_back(row);
    splits = splits || !row.is_host();
  });
  int widest = -1;
  rows_.each_around(place, [&](const Prefix& row, Time) {
    if (widest < 0) widest = row.length();
  });
  const bool is_around = widest >= 0 && widest < place.length();
  if (is_around)
    for (int length = place.length(); length >= widest; --length) {
      const Prefix above(place.address(), length);
      entries.push_back(above);
      if (length == widest) break;
      if (const auto sibling = sibling_of(above)) entries.push_back(*sibling);
    }
  if (is_around || splits) each_piece(place, [&](const Prefix& piece) { entries.push_back(piece); });
}

}  // namespace deferd::pfbridge
