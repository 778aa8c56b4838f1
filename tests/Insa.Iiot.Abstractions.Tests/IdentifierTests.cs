namespace Insa.Iiot.Tests;

public sealed class IdentifierTests
{
    [Theory]
    [InlineData("a")]
    [InlineData("plant-7")]
    [InlineData("012345678901234567890123456789012345678901234567890123456789012")]
    public void A_tenant_id_reads_back_as_written(string text) => Assert.Equal(text, TenantId.Parse(text).Value);

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("-a")]
    [InlineData("a-")]
    [InlineData("A")]
    [InlineData("a b")]
    [InlineData("a/b")]
    [InlineData("ä")]
    [InlineData("0123456789012345678901234567890123456789012345678901234567890123")]
    public void What_is_no_tenant_id_is_refused(string? text) => Assert.False(TenantId.TryParse(text, out _));

    [Fact]
    public void A_default_tenant_id_throws_when_it_is_used()
    {
        Assert.False(default(TenantId).IsSpecified);
        Assert.Throws<InvalidOperationException>(() => default(TenantId).Value);
    }

    [Theory]
    [InlineData("demo-press-01")]
    [InlineData("urn:dev:mac:0024befffe804ff1")]
    [InlineData("A_b.c")]
    public void A_device_id_reads_back_as_written(string text) => Assert.Equal(text, DeviceId.Parse(text).Value);

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("a/b")]
    [InlineData("a+")]
    [InlineData("#")]
    [InlineData("a@b")]
    [InlineData("a b")]
    [InlineData("ü")]
    public void What_is_no_device_id_is_refused(string? text) => Assert.False(DeviceId.TryParse(text, out _));

    [Theory]
    [InlineData("press@plant", true)]
    [InlineData("press", false)]
    [InlineData("@plant", false)]
    [InlineData("press@", false)]
    [InlineData("a@b@plant", false)]
    [InlineData(null, false)]
    public void A_user_name_is_device_at_tenant(string? userName, bool valid) =>
        Assert.Equal(valid, DeviceCredential.TrySplitUserName(userName, out _, out _));

    [Fact]
    public void A_credential_never_shows_its_secret()
    {
        var credential = DeviceCredential.FromPassword("press@plant", "hunter2"u8.ToArray());
        Assert.DoesNotContain("hunter2", credential.ToString(), StringComparison.Ordinal);
    }
}
