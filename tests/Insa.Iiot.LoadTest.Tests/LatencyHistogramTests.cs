using CsCheck;
using Insa.Iiot.LoadTest.Measuring;

namespace Insa.Iiot.LoadTest.Tests;

public sealed class LatencyHistogramTests
{
    [Fact]
    public void An_empty_histogram_has_no_quantile() => Assert.Equal(0, new LatencyHistogram().Quantile(0.99));

    [Fact]
    public void A_quantile_is_never_below_the_exact_one_and_at_most_a_sixteenth_above() =>
        Gen.Select(Gen.Long[1, 1L << 40].Array[1, 200], Gen.Double[0.01, 1.0])
            .Sample(
                (values, quantile) =>
                {
                    var histogram = new LatencyHistogram();
                    foreach (var value in values)
                        histogram.Record(value);
                    var exact = values.Order().ElementAt((int)Math.Ceiling(values.Length * quantile) - 1);
                    var read = histogram.Quantile(quantile);
                    return read >= exact && read <= exact + (exact / 16) + 1;
                }
            );

    [Fact]
    public void Two_histograms_add_up()
    {
        var low = new LatencyHistogram();
        var high = new LatencyHistogram();
        low.Record(3);
        high.Record(12);
        low.Add(high);
        Assert.Equal((2, 3, 12), (low.Count, low.Quantile(0.5), low.Quantile(1)));
    }
}
