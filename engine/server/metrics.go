package server

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/millrace/millrace/engine"
)

// metrics holds what /metrics shows: the engine's samples, the requests counted here, and the process.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	running  *prometheus.GaugeVec
}

func newMetrics(api engine.API) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "millrace_http_requests_total", Help: "Requests answered, by route and HTTP status.",
		}, []string{"route", "status"}),
		running: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "millrace_http_requests_running", Help: "Requests being answered, by route.",
		}, []string{"route"}),
	}
	m.registry.MustRegister(m.requests, m.running, engineCollector{api}, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}

// began counts a request as running; the returned function counts it as answered.
func (m *metrics) began(route string) func(status int) {
	g := m.running.WithLabelValues(route)
	g.Inc()
	return func(status int) {
		g.Dec()
		m.requests.WithLabelValues(route, strconv.Itoa(status)).Inc()
	}
}

// engineCollector hands on the engine's samples. What they are is known only when they are asked for, so it describes none.
type engineCollector struct{ api engine.API }

// Describe implements prometheus.Collector.
func (engineCollector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c engineCollector) Collect(out chan<- prometheus.Metric) {
	for _, m := range c.api.Metrics() {
		names := slices.Sorted(maps.Keys(m.Labels))
		values := make([]string, len(names))
		for i, n := range names {
			values[i] = m.Labels[n]
		}
		kind := prometheus.GaugeValue
		if strings.HasSuffix(m.Name, "_total") {
			kind = prometheus.CounterValue
		}
		desc := prometheus.NewDesc(m.Name, m.Help, names, nil)
		var sample prometheus.Metric
		var err error
		if h := m.Histogram; h != nil {
			sample, err = prometheus.NewConstHistogram(desc, h.Count, h.Sum, h.Buckets, values...)
		} else {
			sample, err = prometheus.NewConstMetric(desc, kind, m.Value, values...)
		}
		if err != nil {
			sample = prometheus.NewInvalidMetric(desc, err)
		}
		out <- sample
	}
}
