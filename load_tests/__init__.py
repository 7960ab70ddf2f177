"""Open-loop benchmark, soak, overload, user journeys: they speak HTTP only and import nothing of ours."""
