from hypothesis import settings

# No deadline: these tests are about laws and not about time, which on a busy machine says nothing.
settings.register_profile("laws", deadline=None)
settings.load_profile("laws")
