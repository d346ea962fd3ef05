// Data sets one after the other: concat(a, b, …).
#pragma once

#include <captcha/core/error.hpp>
#include <captcha/data/view.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace captcha {

/// The samples of A followed by those of B, of the same shape and target. A refinement (cheap target, class
/// names, names, groups) is there if both have it.
template <Dataset A, Dataset B>
requires(A::shape == B::shape && std::same_as<Target<A>, Target<B>>) class Concat : public ViewBase {
 public:
  static constexpr Shape shape = A::shape;

  Concat(std::shared_ptr<const A> first, std::shared_ptr<const B> second)
      : first_(std::move(first)), second_(std::move(second)) {
    if constexpr (HasClasses<A> && HasClasses<B>)
      if (std::vector<std::string>(first_->classes()) != std::vector<std::string>(second_->classes()))
        throw Error("concat: the data sets name different classes; give both the same class list");
  }

  std::size_t size() const { return first_->size() + second_->size(); }
  auto get(std::size_t index, std::span<float> pixels, Random& random) const {
    return visit(index, [&](const auto& data, std::size_t i) { return fetch(data, i, pixels, random); });
  }
  auto target(std::size_t index) const requires(HasTarget<A>&& HasTarget<B>) {
    return visit(index, [](const auto& data, std::size_t i) { return data.target(i); });
  }
  std::vector<std::string> classes() const requires(HasClasses<A>&& HasClasses<B>) {
    return first_->classes();
  }
  std::string name(std::size_t index) const requires(HasName<A>&& HasName<B>) {
    return visit(index, [](const auto& data, std::size_t i) { return std::string(data.name(i)); });
  }
  std::string group(std::size_t index) const requires(HasGroup<A>&& HasGroup<B>) {
    return visit(index, [](const auto& data, std::size_t i) { return std::string(data.group(i)); });
  }

 private:
  auto visit(std::size_t index, auto&& function) const {
    return index < first_->size() ? function(*first_, index) : function(*second_, index - first_->size());
  }

  std::shared_ptr<const A> first_;
  std::shared_ptr<const B> second_;
};

/// Two or more data sets as one. Throws Error where they name different classes.
template <class A, class B, class... More>
auto concat(A&& first, B&& second, More&&... more) {
  Concat both(hold(std::forward<A>(first)), hold(std::forward<B>(second)));
  if constexpr (sizeof...(More) == 0)
    return both;
  else
    return concat(std::move(both), std::forward<More>(more)...);
}

}  // namespace captcha
