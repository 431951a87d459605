% print_numbers (METRICS, NAME)   one result as text

function print_numbers (metrics, name)
  counts = metrics.("confusion matrix");
  last = rows (counts) - 1;
  printf ("%s\n\n", name);
  printf ("test images: %d\naccuracy:    %.5f\nlog loss:    %.5f\n\n", ...
          sum (counts(:)), metrics.("accuracy"), metrics.("loss"));
  printf ("digit  precision   recall   images\n");
  printf ("%5d  %9.5f  %7.5f  %7d\n", [0:last; metrics.("precision")(:)'; metrics.("recall")(:)'; sum(counts, 2)']);
  printf ("\nconfusion matrix, true digit by row, answer by column\n");
  printf ("     %s    all\n", sprintf ("%7d", 0:last));
  for digit = 0:last
    printf ("%5d%s%7d\n", digit, sprintf ("%7d", counts(digit + 1, :)), sum (counts(digit + 1, :)));
  endfor
  printf ("  all%s%7d\n", sprintf ("%7d", sum (counts, 1)), sum (counts(:)));
  if (strcmp (metrics.("training"), "y"))
    loss = metrics.("validation loss")(:)';
    accuracy = metrics.("validation accuracy")(:)';
    printf ("\nbatches: %d, epochs: %d\n", numel (metrics.("training loss")), numel (loss));
    if (any (isfinite (loss)))
      printf ("\nepoch  validation loss  validation accuracy\n");
      printf ("%5d  %15.5f  %19.5f\n", [1:numel(loss); loss; accuracy]);
    endif
  endif
endfunction
