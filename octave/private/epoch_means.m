% MEANS = epoch_means (BATCHES, EPOCHS)   the mean of each epoch's batches; nothing where they do not go up evenly

function means = epoch_means (batches, epochs)
  means = [];
  if (epochs > 0 && numel (batches) > 0 && mod (numel (batches), epochs) == 0)
    means = mean (reshape (batches, [], epochs), 1);
  endif
endfunction
