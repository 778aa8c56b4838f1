namespace Insa.Iiot.Storage.Postgres.Tests;

public sealed class PostgresStorageOptionsTests
{
    private const string Good = "Host=localhost;Database=iiot;Username=iiot_host;Password=hush";

    [Theory]
    [InlineData("Password=hush", "needs a Host")]
    [InlineData("Host=localhost;Password=hush;Frobnicate=1", "not a connection string")]
    [InlineData("Host=localhost;Password=hush;Timeout=soon", "not a connection string")]
    [InlineData(Good + ";No Reset On Close=true", "must not say No Reset On Close")]
    [InlineData(Good + ";Multiplexing=true", "must not say Multiplexing")]
    public void A_connection_string_that_cannot_be_used_is_refused_without_being_repeated(string text, string expected)
    {
        foreach (
            var options in (PostgresStorageOptions[])
                [
                    new() { ConnectionString = text },
                    new() { ConnectionString = Good, WriterConnectionString = text },
                    new() { ConnectionString = Good, JobsConnectionString = text },
                    new() { ConnectionString = Good, OwnerConnectionString = text },
                ]
        )
        {
            var result = new PostgresStorageOptionsValidator().Validate(null, options);
            Assert.Contains(expected, result.FailureMessage, StringComparison.Ordinal);
            Assert.DoesNotContain("hush", result.FailureMessage, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_plain_connection_string_will_do() =>
        Assert.True(new PostgresStorageOptionsValidator().Validate(null, new PostgresStorageOptions { ConnectionString = Good }).Succeeded);

    [Theory]
    [InlineData("hush")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAA==")]
    public void A_credential_key_that_is_none_is_refused_without_being_repeated(string key)
    {
        var options = new PostgresStorageOptions { ConnectionString = Good, CredentialKey = key };
        var result = new PostgresStorageOptionsValidator().Validate(null, options);
        Assert.Contains("must be 32 bytes in Base64", result.FailureMessage, StringComparison.Ordinal);
        Assert.DoesNotContain("hush", result.FailureMessage, StringComparison.Ordinal);
    }
}
