Console.Error.WriteLine("The load test is not written yet.");
return 1;
