"""How a report looks: as Markdown, as one HTML page, as JSON, and as the data of a ConfigMap.

Values in, text out. What users, labels and servers wrote is escaped here, in each format by its own rules, and nowhere
else. Never import adapters, runtime or cli here.
"""
