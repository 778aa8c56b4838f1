namespace Insa.Iiot.LoadTest.Measuring;

/// <summary>The median of several runs; of an even number, the mean of the middle two.</summary>
internal static class Medians
{
    public static double MedianOf<T>(this IEnumerable<T> runs, Func<T, double> value)
    {
        var ordered = runs.Select(value).Order().ToList();
        var middle = (ordered.Count - 1) / 2;
        return ordered.Skip(middle).SkipLast(middle).Average();
    }
}
