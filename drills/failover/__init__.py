"""Every way of escape is tried: something is lost, and it is measured what users felt and what is gone."""
