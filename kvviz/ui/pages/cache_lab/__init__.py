"""The page on which rows are let go, and what that costs is measured."""
