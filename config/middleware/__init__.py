"""What every request passes on its way in and its answer on its way out, a file each; settings.MIDDLEWARE has the order."""
