#include "host/generation.h"

namespace deferd {

Generation::Generation(std::vector<std::shared_ptr<Instance>> instances, std::shared_ptr<const Exempt> exempt, HookRunner& runner,
                       std::unique_ptr<Sets> sets)
    : sets_(std::move(sets)), instances_(std::move(instances)), exempt_(std::move(exempt)), runner_(runner) {
  for (const auto& instance : instances_) hooks_ |= instance->info().hooks;
}

Generation::~Generation() { runner_.settle(); }

void Generation::show_exempt() {
  if (sets_) sets_->show(kExempt, exempt_->addresses());
}

namespace {

std::string path_of(const PluginEntry& entry, const std::string& within) {
  return "plugins." + entry.name() + (within.empty() ? "" : "." + within);
}

void add_all(const PluginEntry& entry, const Problems& found, Problems& problems) {
  for (const auto& problem : found.list()) {
    const Mark mark = problem.mark.line != 0 ? problem.mark : entry.mark;
    if (problem.warning)
      problems.warning(mark, path_of(entry, problem.path), problem.message);
    else
      problems.error(mark, path_of(entry, problem.path), problem.message);
  }
}

}  // namespace

void check_plugins(const std::vector<PluginEntry>& entries, const FindPlugin& find, Problems& problems) {
  for (const auto& entry : entries) {
    auto info = find(entry.plugin);
    if (!info) {
      problems.error(entry.mark, path_of(entry, {}), info.error().what);
      continue;
    }
    Problems found;
    (*info)->check(entry.config, found);
    add_all(entry, found, problems);
  }
}

std::shared_ptr<Generation> make_generation(const std::vector<PluginEntry>& entries, const FindPlugin& find,
                                            std::shared_ptr<const Exempt> exempt, HostParts& parts, HookRunner& runner) {
  Problems problems;
  auto sets = std::make_unique<PluginSets>(parts.sets);
  // At the start before any plugin works with it: else pfbridge would take exempt clients that are listed out of the packet
  // filter each time. At a reload only when it is taken: it may yet be refused.
  if (!parts.sets.get(kExempt)) sets->show(kExempt, exempt->addresses());
  std::vector<std::shared_ptr<Instance>> instances;
  for (const auto& entry : entries) {
    try {
      instances.push_back(std::make_shared<Instance>(*or_throw(find(entry.plugin)), entry, parts));
    } catch (const ConfigError& error) {
      add_all(entry, error.problems, problems);
    } catch (const std::exception& error) {
      problems.error(entry.mark, path_of(entry, {}), error.what());
    } catch (...) {
      problems.error(entry.mark, path_of(entry, {}), "its constructor threw something that is no exception");
    }
  }
  if (problems.failed()) throw ConfigError(std::move(problems));
  return std::make_shared<Generation>(std::move(instances), std::move(exempt), runner, std::move(sets));
}

}  // namespace deferd
