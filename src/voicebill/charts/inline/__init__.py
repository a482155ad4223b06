"""Charts as shapes in percent of their area, of which the templates of the web page make SVG without a drawing library."""
