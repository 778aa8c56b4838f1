namespace Insa.Iiot.Tenancy.Tests.Quotas;

public sealed class RateLimitTests
{
    [Theory]
    [InlineData("1:1")]
    [InlineData("1000:1,20000:60")]
    [InlineData("10000000:1")]
    [InlineData("1:2678400,2:1,3:1,4:1")]
    public void A_rate_reads_back_as_it_was_written(string text)
    {
        Assert.Equal(text, RateLimit.Parse(text).ToString());
        Assert.Equal(RateLimit.Parse(text), RateLimit.Parse(text));
    }

    [Theory]
    [InlineData("")]
    [InlineData("1")]
    [InlineData("0:1")]
    [InlineData("1:0")]
    [InlineData("-1:1")]
    [InlineData("1: 1")]
    [InlineData("1:1,")]
    [InlineData("1:2678401")]
    [InlineData("10000001:1")]
    [InlineData("1:1,1:1,1:1,1:1,1:1")]
    [InlineData("99999999999999999999:1")]
    public void What_is_no_rate_is_not_read(string text)
    {
        Assert.False(RateLimit.TryParse(text, out _));
        Assert.Throws<FormatException>(() => RateLimit.Parse(text));
    }
}
