"""What the tools that draw have in common. Only ``figures`` needs Matplotlib, so it is not imported here."""

from .class_legend import ClassLegend, class_names, legend_of_dataset

__all__ = ['ClassLegend', 'class_names', 'legend_of_dataset']
