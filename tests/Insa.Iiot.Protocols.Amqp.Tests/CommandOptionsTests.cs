namespace Insa.Iiot.Protocols.Amqp.Tests;

public sealed class CommandOptionsTests
{
    private readonly AmqpOptions _options = new() { Uri = new Uri("amqp://guest:guest@localhost/plants") };

    [Fact]
    public void Tenants_with_queues_of_their_own_are_let_in()
    {
        Add("a");
        Add("b", virtualHost: "other");
        Add("c", queue: "answers");
        _options.Events = new AmqpEventOptions { Source = new Uri("/iiot", UriKind.Relative) };
        Assert.Null(Errors());
    }

    [Fact]
    public void A_tenant_is_there_once_and_by_its_name()
    {
        Add("a");
        Add("a", virtualHost: "other");
        _options.Commands.Add(new AmqpCommandBinding());
        Assert.Contains("twice", Errors(), StringComparison.Ordinal);
        Assert.Contains("no tenant", Errors(), StringComparison.Ordinal);
    }

    [Fact]
    public void No_two_tenants_have_their_answers_in_one_queue()
    {
        Add("a");
        Add("b", queue: "iiot.responses.a", virtualHost: "plants");
        Assert.Contains("of two tenants", Errors(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3601)]
    public void A_retry_has_its_time(int seconds)
    {
        Add("a");
        _options.Commands[0].RetryInterval = TimeSpan.FromSeconds(seconds);
        Assert.Contains("RetryInterval", Errors(), StringComparison.Ordinal);
    }

    [Fact]
    public void Events_have_a_source_and_room()
    {
        _options.Events = new AmqpEventOptions { MaxWaiting = 0 };
        Assert.Contains("Source", Errors(), StringComparison.Ordinal);
        Assert.Contains("MaxWaiting", Errors(), StringComparison.Ordinal);
    }

    private string? Errors() => new AmqpOptionsValidator().Validate(null, _options).FailureMessage;

    private void Add(string tenant, string? queue = null, string? virtualHost = null) =>
        _options.Commands.Add(
            new AmqpCommandBinding
            {
                Tenant = TenantId.Parse(tenant),
                ResponseQueue = queue,
                VirtualHost = virtualHost,
            }
        );
}
