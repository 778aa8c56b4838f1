using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Encoding;

public sealed class NumericRangeTests
{
    [Theory]
    [InlineData("1", new[] { 1 })]
    [InlineData("2:4", new[] { 2, 3, 4 })]
    [InlineData("3:99", new[] { 3, 4, 5 })]
    [InlineData("0:5", new[] { 0, 1, 2, 3, 4, 5 })]
    public void Elements_are_cut_out_of_an_array(string range, int[] expected) =>
        Assert.Equal(Variant.Of(expected), Part(range, Variant.Of([0, 1, 2, 3, 4, 5])));

    [Theory]
    [InlineData("0,0", new[] { 1 }, new[] { 1, 1 })]
    [InlineData("1,0:1", new[] { 4, 5 }, new[] { 1, 2 })]
    [InlineData("0:1,1:2", new[] { 2, 3, 5, 6 }, new[] { 2, 2 })]
    [InlineData("0:9,2", new[] { 3, 6 }, new[] { 2, 1 })]
    public void Elements_are_cut_out_of_a_matrix(string range, int[] elements, int[] dimensions) =>
        Assert.Equal(Variant.Of(elements).WithDimensions(dimensions), Part(range, Variant.Of([1, 2, 3, 4, 5, 6]).WithDimensions([2, 3])));

    [Fact]
    public void Elements_are_cut_out_of_three_dimensions()
    {
        var cube = Variant.Of(Enumerable.Range(0, 24).ToArray()).WithDimensions([2, 3, 4]);
        Assert.Equal(Variant.Of([17, 18, 21, 22]).WithDimensions([1, 2, 2]), Part("1,1:2,1:2", cube));
    }

    [Fact]
    public void Characters_and_bytes_are_cut_out_of_scalars_and_of_elements()
    {
        Assert.Equal(Variant.Of("bc"), Part("1:2", Variant.Of("abcd")));
        Assert.Equal(Variant.Of("d"), Part("3", Variant.Of("abcd")));
        Assert.Equal(Variant.OfByteString([3, 4, 5]), Part("2:4", Variant.OfByteString([1, 2, 3, 4, 5])));
        var texts = Variant.Of(["abcd", "efgh", "ijkl", null]);
        Assert.Equal(Variant.Of(["fg", "jk"]), Part("1:2,1:2", texts));
        Assert.Equal(Variant.Of(["ijkl"]), Part("2", texts));
        Assert.Equal("efgh", ((string?[])texts.Elements!)[1]);
        Assert.Equal(
            Variant.OfByteStrings([
                [2],
                [4],
            ]),
            Part(
                "0:1,1",
                Variant.OfByteStrings([
                    [1, 2],
                    [3, 4],
                ])
            )
        );
    }

    [Theory]
    [InlineData("6")]
    [InlineData("6:9")]
    [InlineData("0,0")]
    public void There_may_be_no_data(string range)
    {
        Assert.True(NumericRange.TryParse(range, out var parsed));
        Assert.Equal(StatusCodes.BadIndexRangeNoData, parsed.Apply(Variant.Of([0, 1, 2, 3, 4, 5]), out _));
        Assert.Equal(StatusCodes.BadIndexRangeNoData, parsed.Apply(Variant.Of(1.5), out _));
        Assert.Equal(StatusCodes.BadIndexRangeNoData, parsed.Apply(Variant.Of((int[]?)null), out _));
        Assert.Equal(StatusCodes.BadIndexRangeNoData, parsed.Apply(Variant.Of("abc"), out _));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public void No_range_is_the_whole_value(string? range) => Assert.Equal(Variant.Of([1, 2]), Part(range, Variant.Of([1, 2])));

    [Theory]
    [InlineData("a")]
    [InlineData("1:")]
    [InlineData(":1")]
    [InlineData("3:3")]
    [InlineData("4:3")]
    [InlineData(" 1")]
    [InlineData("+1")]
    [InlineData("1:2:3")]
    [InlineData("99999999999")]
    [InlineData("0,0,0,0,0,0,0,0,0")]
    public void What_is_no_range_is_not_read(string range) => Assert.False(NumericRange.TryParse(range, out _));

    private static Variant Part(string? range, Variant value)
    {
        Assert.True(NumericRange.TryParse(range, out var parsed));
        Assert.Equal(StatusCodes.Good, parsed.Apply(value, out var part));
        return part;
    }
}
