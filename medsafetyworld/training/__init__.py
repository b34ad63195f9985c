"""What learns: tokens, packed rows, model shapes, one training loop, post-training, fine-tuning attacks, checkpoints."""
