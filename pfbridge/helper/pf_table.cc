#include "pfbridge/helper/pf_table.h"

#include <cerrno>
#include <cstring>

namespace deferd::bridge {
namespace {

std::string explain(int error, const pf::TableName& table) {
  const std::string name = (table.anchor.empty() ? "" : table.anchor + "/") + "<" + table.name + ">";
  switch (error) {
    case ESRCH:
      return "pf has no table " + name + ": declare it in pf.conf: table <" + table.name + "> persist";
    case ENOMEM:
      return "pf's tables are full: raise `set limit table-entries` in pf.conf";
    case EPERM:
      return "pf does not let the table " + name + " be changed: declare it without const";
    case EACCES:
      return "/dev/pf is not open for writing";
    case ENODEV:
      return "this kernel's pf has other structures than those known here";
    default:
      return "table " + name + ": " + std::strerror(error);
  }
}

template <class System>
class PfTable : public Backend {
 public:
  PfTable(pf::Device& device, pf::TableName table) : tables_(device), table_(std::move(table)) {}

  Result add(std::span<const Row> rows) override {
    std::vector<Entry> entries;
    entries.reserve(rows.size());
    for (const Row& row : rows) entries.push_back(row.entry);
    return told(tables_.add(table_, entries));
  }
  Result remove(std::span<const Entry> entries) override { return told(tables_.remove(table_, entries)); }
  Result read(std::vector<Entry>& entries) override { return told(tables_.read(table_, entries)); }

  // Only that it exists: which rules use it these requests do not tell.
  Result check() override { return told(tables_.exists(table_)); }

 private:
  Result told(const pf::Outcome& outcome) const {
    return {outcome.error == 0 ? std::string() : explain(outcome.error, table_), outcome.count};
  }

  pf::Tables<System> tables_;
  pf::TableName table_;
};

}  // namespace

template <class System>
std::unique_ptr<Backend> make_pf_table_of(pf::Device& device, pf::TableName table) {
  return std::make_unique<PfTable<System>>(device, std::move(table));
}
template std::unique_ptr<Backend> make_pf_table_of<pf::FreeBsd>(pf::Device&, pf::TableName);
template std::unique_ptr<Backend> make_pf_table_of<pf::OpenBsd>(pf::Device&, pf::TableName);

}  // namespace deferd::bridge
