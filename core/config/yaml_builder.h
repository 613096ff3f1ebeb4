// Makes the tree of values from yaml-cpp's events. Its own node tree would not do: there the second of two equal keys is lost.
#pragma once
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/mark.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "deferd/schema.h"
#include "deferd/value.h"

namespace deferd {

/// yaml-cpp counts from 0.
Mark yaml_mark(const YAML::Mark& mark);

class YamlBuilder final : public YAML::EventHandler {
 public:
  /// Thrown through the parser when going on makes no sense; the reason is among the problems.
  struct Stop {};

  /// `text` is what the parser reads: quotes are looked up in it.
  YamlBuilder(std::string_view text, Problems& problems) : text_(text), problems_(problems) {}

  Value root() && { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override;
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& value) override;
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override;
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override;
  void OnMapEnd() override { close(); }

 private:
  /// A list or map whose end has not come yet.
  struct Open {
    Value value;
    bool is_map = false;
    bool has_key = false;                                  ///< A key was read, its value comes next.
    bool key_bad = false;                                  ///< The value that comes next is dropped.
    std::unordered_map<std::string, std::uint32_t> lines;  ///< Where each key was given.
    std::string key;
    Mark key_mark;
  };

  void check(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor);
  bool is_closed(int quote) const;
  void open(Value value, Mark mark, bool is_map);
  void close();
  void take(Value value);
  void take_key(const Value& key);
  std::string path() const;

  std::string_view text_;
  Problems& problems_;
  Value root_;
  std::vector<Open> open_;
  bool started_ = false;
};

}  // namespace deferd
