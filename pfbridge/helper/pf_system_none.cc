// Where there is no pf.
#include "pfbridge/helper/pf_table.h"

namespace deferd::bridge {

std::unique_ptr<pf::Device> open_pf_device(std::string& error) {
  error = "there is no pf on this system";
  return nullptr;
}

std::unique_ptr<Backend> make_pf_table(pf::Device&, pf::TableName) { return nullptr; }

std::optional<Endpoint> pf_original_destination(pf::Device&, const Endpoint&, const Endpoint&) { return std::nullopt; }

}  // namespace deferd::bridge
