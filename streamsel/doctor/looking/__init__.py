"""From the world to facts. Changes nothing there."""
