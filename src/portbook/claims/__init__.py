"""Promises: claims on ports, permits of semaphores, and the service that gives them."""
