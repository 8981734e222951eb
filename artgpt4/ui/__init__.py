"""The pages. No model code lives here, and nothing here is imported by the rest of the package."""
