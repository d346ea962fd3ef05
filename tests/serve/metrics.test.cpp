// Metrics as Prometheus reads them.
#include "metrics.hpp"

#include "catch.hpp"

using captcha::app::Metrics;

TEST_CASE("counters, gauges and histograms in the text format of Prometheus") {
  Metrics metrics;
  metrics.describe("asked_total", "counter", "Questions");
  metrics.describe("open", "gauge", "Doors");
  metrics.describe("seconds", "histogram", "Time", {0.5, 1});
  metrics.count("asked_total", {{"route", "/"}, {"status", "200"}});
  metrics.count("asked_total", {{"route", "/"}, {"status", "200"}});
  metrics.count("asked_total", {{"route", "/x"}, {"status", "404"}});
  metrics.set("open", 3);
  for (const double value : {0.25, 0.5, 0.75, 7.0}) metrics.observe("seconds", value, {{"route", "/"}});
  CHECK(metrics.text() ==
        "# HELP asked_total Questions\n# TYPE asked_total counter\n"
        "asked_total{route=\"/\",status=\"200\"} 2\nasked_total{route=\"/x\",status=\"404\"} 1\n"
        "# HELP open Doors\n# TYPE open gauge\nopen 3\n"
        "# HELP seconds Time\n# TYPE seconds histogram\n"
        "seconds_bucket{route=\"/\",le=\"0.5\"} 2\nseconds_bucket{route=\"/\",le=\"1\"} 3\n"
        "seconds_bucket{route=\"/\",le=\"+Inf\"} 4\n"
        "seconds_sum{route=\"/\"} 8.5\nseconds_count{route=\"/\"} 4\n");
  metrics.clear("open");
  CHECK(metrics.text().find("\nopen ") == std::string::npos);
}
