//! The links that a message of the service may name.

use reqwest::Url;

/// The service's own links have some 500 bytes. One is remembered, and may be logged, before its message is believed.
const MAX_LINK: usize = 2000;

/// A link to a certificate: `https://sns.<region>.amazonaws.com/….pem`.
pub(super) fn certificate(url: &str) -> Result<&str, String> {
    let link = of_the_service(url, "SigningCertURL")?;
    let plain = link.query().is_none() && link.fragment().is_none();
    let path = link.path();
    let escaped = path.contains('%') || path.contains("..") || path.contains("//");
    if path.rsplit_once('.').is_none_or(|(_, end)| end != "pem") || !plain || escaped {
        return Err("`SigningCertURL` does not end in `.pem`".to_owned());
    }
    Ok(url)
}

/// A link that confirms a subscription to `topic`.
pub(super) fn confirmation<'a>(url: &'a str, topic: &str) -> Result<&'a str, String> {
    let link = of_the_service(url, "SubscribeURL")?;
    let field = |name: &str| link.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value);
    if field("Action").as_deref() != Some("ConfirmSubscription")
        || field("TopicArn").as_deref() != Some(topic)
    {
        return Err("`SubscribeURL` does not confirm a subscription to the topic of the message".to_owned());
    }
    Ok(url)
}

fn of_the_service(url: &str, name: &str) -> Result<Url, String> {
    if url.len() > MAX_LINK {
        return Err(format!("`{name}` has more than {MAX_LINK} bytes"));
    }
    let link = Url::parse(url).map_err(|_| format!("`{name}` is no link"))?;
    let alone = link.username().is_empty() && link.password().is_none() && link.port().is_none();
    if link.scheme() != "https" || !alone || !link.host_str().is_some_and(is_host) {
        return Err(format!("`{name}` is not of `https://sns.<region>.amazonaws.com`"));
    }
    Ok(link)
}

/// `sns.<region>.amazonaws.com`, or the same in China.
fn is_host(host: &str) -> bool {
    let region = host.strip_prefix("sns.").and_then(|rest| {
        rest.strip_suffix(".amazonaws.com").or_else(|| rest.strip_suffix(".amazonaws.com.cn"))
    });
    region.is_some_and(|region| {
        let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !region.is_empty() && region.bytes().all(letter) && region.contains('-')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOPIC: &str = "arn:aws:sns:eu-central-1:123456789012:alarms";

    #[test]
    fn certificates_lie_at_the_service_and_nowhere_else() {
        for good in [
            "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-3f5954ab5ab744c0bf6d4ba66c875fde.pem",
            "https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-1.pem",
            "https://sns.us-gov-west-1.amazonaws.com/x.pem",
            "https://sns.us-east-1.amazonaws.com:443/x.pem",
        ] {
            assert_eq!(certificate(good), Ok(good));
        }
        for bad in [
            "",
            "x.pem",
            "http://sns.us-east-1.amazonaws.com/x.pem",
            "https://sns.us-east-1.amazonaws.com/x.der",
            "https://sns.us-east-1.amazonaws.com/x.pem?y",
            "https://sns.us-east-1.amazonaws.com/?x=.pem",
            "https://sns.us-east-1.amazonaws.com/#.pem",
            "https://sns.us-east-1.amazonaws.com/a%2F..%2Fx.pem",
            "https://sns.us-east-1.amazonaws.com:8443/x.pem",
            "https://user@sns.us-east-1.amazonaws.com/x.pem",
            "https://sns.us-east-1.amazonaws.com@evil.example/x.pem",
            "https://sns.us-east-1.amazonaws.com.evil.example/x.pem",
            "https://evil-sns.us-east-1.amazonaws.com/x.pem",
            "https://sns.evil.us-east-1.amazonaws.com/x.pem",
            "https://sns.us-east-1.amazonaws.com.cn.evil/x.pem",
            "https://sns..amazonaws.com/x.pem",
            "https://sns.amazonaws.com/x.pem",
            "https://s3.us-east-1.amazonaws.com/sns/x.pem",
            "https://sns.us-east-1.amazonaws.evil/x.pem",
            "https://169.254.169.254/x.pem",
        ] {
            assert!(certificate(bad).is_err(), "{bad}");
        }
        let long = format!("https://sns.us-east-1.amazonaws.com/{}.pem", "x".repeat(500_000));
        assert_eq!(certificate(&long), Err("`SigningCertURL` has more than 2000 bytes".to_owned()));
    }

    #[test]
    fn a_confirmation_is_for_the_topic_of_the_message() {
        let link = |host: &str, action: &str, topic: &str| {
            format!("https://{host}/?Action={action}&TopicArn={topic}&Token=2336412f37")
        };
        let good = link("sns.eu-central-1.amazonaws.com", "ConfirmSubscription", TOPIC);
        assert!(confirmation(&good, TOPIC).is_ok());
        for bad in [
            link("sns.eu-central-1.amazonaws.com", "DeleteTopic", TOPIC),
            link("sns.eu-central-1.amazonaws.com", "ConfirmSubscription", "arn:aws:sns:eu-central-1:6:other"),
            link("evil.example", "ConfirmSubscription", TOPIC),
            String::new(),
        ] {
            assert!(confirmation(&bad, TOPIC).is_err(), "{bad}");
        }
    }
}
