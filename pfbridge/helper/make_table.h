// From a place on the command line to a backend.
#pragma once
#include <memory>
#include <string>

#include "pfbridge/helper/backend.h"
#include "pfbridge/helper/options.h"
#include "pfbridge/helper/pf_device.h"

namespace deferd::bridge {

/// Makes the backends that the options name. /dev/pf is opened at the first table that needs it.
class TableMaker {
 public:
  explicit TableMaker(const Options& options) : options_(options) {}

  /// nullptr, and why.
  std::unique_ptr<Backend> make(const std::string& kind, const std::string& place, std::string& error);

  /// Of pf, if a table needed it; else null.
  pf::Device* device() { return device_.get(); }

 private:
  const Options& options_;
  std::unique_ptr<pf::Device> device_;
};

}  // namespace deferd::bridge
