// What stands behind Sets: one for all plugins, and each plugin's own view of it, which says whose a set is.
#pragma once
#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "deferd/sets.h"

namespace deferd {

/// Thread-safe.
class SharedSets {
 public:
  void show(const void* owner, std::string_view name, std::shared_ptr<const PrefixSet> set) {
    const std::lock_guard lock(mutex_);
    Shown& shown = at(name);
    std::erase_if(shown.by, [&](const auto& one) { return one.owner == owner; });
    if (set) shown.by.push_back({owner, std::move(set)});
    unite(shown);
  }

  /// `owner` is gone.
  void forget(const void* owner) {
    const std::lock_guard lock(mutex_);
    for (auto& [name, shown] : sets_)
      if (std::erase_if(shown.by, [&](const auto& one) { return one.owner == owner; }) > 0) unite(shown);
  }

  std::shared_ptr<const PrefixSet> get(std::string_view name) {
    const std::lock_guard lock(mutex_);
    Shown& shown = at(name);
    shown.wanted = true;
    return shown.all;
  }

  bool wanted(std::string_view name) const {
    const std::lock_guard lock(mutex_);
    const auto found = sets_.find(name);
    return found != sets_.end() && found->second.wanted;
  }

  std::uint64_t version() const { return version_; }

 private:
  struct Part {
    const void* owner;
    std::shared_ptr<const PrefixSet> set;
  };
  struct Shown {
    std::vector<Part> by;
    std::shared_ptr<const PrefixSet> all;  // null: nobody shows any
    bool wanted = false;
  };

  Shown& at(std::string_view name) { return sets_[std::string(name)]; }

  void unite(Shown& shown) {
    shown.all = shown.by.empty() ? nullptr : shown.by.front().set;
    for (std::size_t i = 1; i < shown.by.size(); ++i)
      shown.all = std::make_shared<const PrefixSet>(united(*shown.all, *shown.by[i].set));
    ++version_;
  }

  mutable std::mutex mutex_;
  std::map<std::string, Shown, std::less<>> sets_;
  std::atomic<std::uint64_t> version_{0};
};

/// One plugin's view, or the daemon's own.
class PluginSets : public Sets {
 public:
  explicit PluginSets(SharedSets& sets) : sets_(sets) {}
  ~PluginSets() override { sets_.forget(this); }
  PluginSets(const PluginSets&) = delete;
  PluginSets& operator=(const PluginSets&) = delete;

  void show(std::string_view name, std::shared_ptr<const PrefixSet> set) override { sets_.show(this, name, std::move(set)); }
  std::shared_ptr<const PrefixSet> get(std::string_view name) override { return sets_.get(name); }
  bool wanted(std::string_view name) const override { return sets_.wanted(name); }
  std::uint64_t version() const override { return sets_.version(); }

 private:
  SharedSets& sets_;
};

}  // namespace deferd
