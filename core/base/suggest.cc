// The known word that was probably meant.
#include <algorithm>
#include <vector>

#include "deferd/schema.h"

namespace deferd::detail {
namespace {

constexpr std::size_t kLongestWord = 64;
constexpr std::size_t kFew = 12;

/// Optimal string alignment distance: insertions, deletions, replacements and swaps of neighbours each cost 1.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

/// Empty when none is near enough: a third of the letters may be wrong.
std::string_view nearest(std::string_view key, const std::vector<std::string_view>& known) {
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(1, std::min(key.size(), kLongestWord) / 3) + 1;
  for (const auto word : known) {
    if (key.size() > kLongestWord || word.size() > kLongestWord) continue;
    if (const auto found = distance(key, word); found < best_distance && found < word.size()) {
      best = word;
      best_distance = found;
    }
  }
  return best;
}

}  // namespace

std::string unknown_key(std::string_view key, const std::vector<std::string_view>& known) {
  std::string out = "unknown key " + quote(key);
  if (const auto colon = key.find(':'); std::find(known.begin(), known.end(), key.substr(0, colon)) != known.end())
    return out + "; a blank must follow the colon";
  if (const auto meant = nearest(key, known); !meant.empty()) return out + "; did you mean '" + std::string(meant) + "'?";
  if (known.empty() || known.size() > kFew) return out;
  out += "; known here:";
  for (const auto word : known) out += (word == known.front() ? " " : ", ") + std::string(word);
  return out;
}

}  // namespace deferd::detail
