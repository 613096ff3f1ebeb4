#include "config/yaml_builder.h"

#include <utility>

namespace deferd {
namespace {

constexpr std::size_t kDeepest = 64;

}  // namespace

Mark yaml_mark(const YAML::Mark& mark) {
  if (mark.is_null()) return {};
  return {static_cast<std::uint32_t>(mark.line) + 1, static_cast<std::uint32_t>(mark.column) + 1};
}

void YamlBuilder::OnDocumentStart(const YAML::Mark& mark) {
  if (std::exchange(started_, true)) {
    problems_.error(yaml_mark(mark), {}, "something follows the end of the configuration: a file holds one document");
    throw Stop{};
  }
}

void YamlBuilder::OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) {
  check(mark, {}, anchor);
  Mark place = yaml_mark(mark);
  // "key:" with nothing behind it is placed where the next thing starts, lines away.
  if (!open_.empty() && open_.back().has_key && open_.back().key_mark.line != place.line) place = open_.back().key_mark;
  take(Value().at(place));
}

void YamlBuilder::OnAlias(const YAML::Mark& mark, YAML::anchor_t) {
  problems_.error(yaml_mark(mark), path(), "aliases (*name) are not supported: write the value out");
  take(Value().at(yaml_mark(mark)));
}

void YamlBuilder::OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& value) {
  check(mark, tag, anchor);
  const bool quoted = tag == "!";
  if (quoted && !is_closed(mark.pos)) {
    problems_.error(yaml_mark(mark), path(), "the quote opened here is never closed");
    throw Stop{};
  }
  if (value.find('\0') != value.npos) problems_.error(yaml_mark(mark), path(), "holds a NUL character");
  take(Value(value).at(yaml_mark(mark)));
}

void YamlBuilder::OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                                  YAML::EmitterStyle::value) {
  check(mark, tag, anchor);
  open(Value::list(), yaml_mark(mark), false);
}

void YamlBuilder::OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YAML::EmitterStyle::value) {
  check(mark, tag, anchor);
  open(Value::map(), yaml_mark(mark), true);
}

void YamlBuilder::check(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
  if (anchor != 0)
    problems_.error(yaml_mark(mark), path(), "anchors (&name) are not supported: write the value out where it is needed");
  if (!tag.empty() && tag != "?" && tag != "!")  // these two are yaml-cpp's words for unquoted and quoted
    problems_.error(yaml_mark(mark), path(), "tags (" + detail::quote(tag) + ") are not supported: the setting decides its type");
}

/// yaml-cpp takes the end of a file that ends in a newline for the end of the text, and so swallows all that follows the quote.
bool YamlBuilder::is_closed(int quote) const {
  auto at = static_cast<std::size_t>(quote);
  if (quote < 0 || at >= text_.size() || (text_[at] != '"' && text_[at] != '\'')) return true;
  const char mark = text_[at];
  while (++at < text_.size()) {
    if (mark == '"' && text_[at] == '\\') {
      ++at;
    } else if (text_[at] == mark) {
      if (mark == '"' || at + 1 == text_.size() || text_[at + 1] != mark) return true;
      ++at;  // '' within single quotes
    }
  }
  return false;
}

void YamlBuilder::open(Value value, Mark mark, bool is_map) {
  if (open_.size() == kDeepest) {
    problems_.error(mark, {}, "nested deeper than " + std::to_string(kDeepest) + " levels");
    throw Stop{};
  }
  open_.push_back({std::move(value.at(mark)), is_map, false, false, {}, {}, {}});
}

void YamlBuilder::close() {
  Value value = std::move(open_.back().value);
  open_.pop_back();
  take(std::move(value));
}

void YamlBuilder::take(Value value) {
  if (open_.empty()) {
    root_ = std::move(value);
    return;
  }
  Open& parent = open_.back();
  if (!parent.is_map) {
    parent.value.append(std::move(value));
  } else if (!parent.has_key) {
    take_key(value);
  } else {
    if (!parent.key_bad) parent.value.append(std::move(parent.key), std::move(value), parent.key_mark);
    parent.has_key = false;
  }
}

void YamlBuilder::take_key(const Value& key) {
  Open& map = open_.back();
  map.key_bad = !key.is_text();
  if (map.key_bad) {
    problems_.error(key.mark(), path(), "a key must be a plain text, not " + detail::kind_name(key));
  } else {
    const auto [first, is_new] = map.lines.try_emplace(key.text(), key.mark().line);
    map.key_bad = !is_new;
    if (!is_new)
      problems_.error(key.mark(), path(),
                      "duplicate key " + detail::quote(key.text()) + "; first given in line " + std::to_string(first->second));
  }
  map.has_key = true;
  map.key = key.text();
  map.key_mark = key.mark();
}

std::string YamlBuilder::path() const {
  std::string path;
  for (const Open& level : open_) {
    if (!level.is_map)
      path += '[' + std::to_string(level.value.size()) + ']';
    else if (level.has_key)
      path = detail::join_path(path, level.key);
  }
  return path;
}

}  // namespace deferd
