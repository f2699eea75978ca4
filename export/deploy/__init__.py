"""What TF Serving is started with: configuration, scripts and manifests."""
