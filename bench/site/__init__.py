"""The history as a static site: pages that hold all they show, made again where it changed."""
