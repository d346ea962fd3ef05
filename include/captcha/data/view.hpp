// The base of all views: a view holds a data set and passes on what that knows about its samples.
#pragma once

#include <captcha/data/dataset.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace captcha {

/// Marks the types that `hold` copies: cheap to copy, and never referred to.
struct ViewBase {};

/// Keeps a data set alive for a view, as std::ranges does: a data set that is a variable stays where it is
/// and must outlive the view; a temporary one is moved in; a view is copied.
template <class D>
std::shared_ptr<const std::remove_cvref_t<D>> hold(D&& data) {
  using Data = std::remove_cvref_t<D>;
  static_assert(
      Dataset<Data>,
      "captcha: a view needs a Dataset: a constexpr shape, size() and get() (see data/dataset.hpp)");
  if constexpr (std::is_lvalue_reference_v<D> && !std::derived_from<Data, ViewBase>)
    return {std::shared_ptr<void>{}, std::addressof(data)};
  else
    return std::make_shared<const Data>(std::forward<D>(data));
}

/// What every view of a data set D shares. `Self` may hide `size`, and `source`: the index in D of a sample.
template <class Self, class D>
class View : public ViewBase {
 public:
  static constexpr Shape shape = D::shape;

  std::size_t size() const { return data_->size(); }
  std::size_t source(std::size_t index) const { return index; }

  auto target(std::size_t index) const requires HasTarget<D> { return data_->target(self().source(index)); }
  std::vector<std::string> classes() const requires HasClasses<D> { return data_->classes(); }
  std::string name(std::size_t index) const requires HasName<D> { return data_->name(self().source(index)); }
  std::string group(std::size_t index) const requires HasGroup<D> {
    return data_->group(self().source(index));
  }

 protected:
  explicit View(std::shared_ptr<const D> data) : data_(std::move(data)) {}
  const D& data() const { return *data_; }

 private:
  const Self& self() const { return static_cast<const Self&>(*this); }

  std::shared_ptr<const D> data_;
};

}  // namespace captcha
