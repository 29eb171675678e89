"""The Grafana dashboards as code: ``python -m deploy.grafana.source`` writes ``../dashboards`` anew."""
